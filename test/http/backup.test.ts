import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test, vi } from "vitest";
import type { AppendOptions, Log, NewEvent, StreamInfo } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { openLmdbLog } from "../../src/log/lmdb.ts";
import { foldChat, EMPTY_CHAT } from "../../src/protocol/chat.ts";
import { cursorAt, formatCursor, parseCursor, resolveCursor } from "../../src/protocol/cursor.ts";
import type { Entry } from "../../src/protocol/event.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import type { StreamName } from "../../src/protocol/names.ts";
import { EVENTS, answerSlowly, blocks, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

const NDJSON = { "content-type": "application/x-ndjson" };

async function save(app: TestServer, query = ""): Promise<string> {
  const response = await app.ask(`/v1/export${query}`);
  expect(response.status).toBe(200);
  return response.text();
}

const putBack = (app: TestServer, body: string, query = "") =>
  app.ask(`/v1/import${query}`, { method: "POST", headers: NDJSON, body });

async function code(response: Response): Promise<string> {
  return ((await response.json()) as { error: { code: string } }).error.code;
}

/** Everything that a reader can see of a stream, from a place on. */
async function contentOf(log: Log, name: string, after = 0): Promise<{ info: StreamInfo; entries: Entry[] }> {
  const stream = parseStreamName(name);
  const entries: Entry[] = [];
  for (let last = after; ;) {
    const page = await log.read(stream, last);
    if (page.status === "missing") throw new Error(`${name} is missing`);
    if (page.status === "trimmed") {
      last = page.info.floor - 1;
      continue;
    }
    if (page.entries.length === 0) return { info: page.info, entries };
    entries.push(...page.entries);
    last = entries.at(-1)?.offset ?? last;
  }
}

const text = fc.string({ unit: "binary", maxLength: 20 });
const ends = { type: "message-end", message: "m", run: "r", reason: "stop" };
const streams = fc.record({
  log: fc.array(fc.array(text, { minLength: 1, maxLength: 30 }), { maxLength: 6 }),
  state: fc.array(
    fc.record({ key: fc.constantFrom("a", "b", "c", "__proto__"), deleted: fc.boolean(), text }),
    { maxLength: 30 },
  ),
  chat: fc.array(text, { maxLength: 2_500, size: "max" }),
  isClosed: fc.boolean(),
  maxEvents: fc.integer({ min: 1, max: 60 }),
});

async function fill(
  log: Log,
  given: (typeof streams)["generate"] extends (...args: never[]) => { value: infer T } ? T : never,
) {
  const retention = { maxEvents: given.maxEvents };
  await log.create(parseStreamName("some/log"), { kind: "log", retention });
  for (const batch of given.log)
    await log.append(
      parseStreamName("some/log"),
      batch.map((said): NewEvent => ({ data: JSON.stringify({ said }) })),
    );
  if (given.isClosed) await log.append(parseStreamName("some/log"), [], { close: true });
  await log.create(parseStreamName("some/state"), { kind: "state" });
  for (const { key, deleted, text: said } of given.state)
    await log.append(parseStreamName("some/state"), [
      { data: JSON.stringify(deleted ? { key, deleted } : { key, said }), key, isDeleted: deleted },
    ]);
  const chat = given.chat.map((said): NewEvent => ({
    data: JSON.stringify({ type: "text-delta", message: "m", text: said }),
  }));
  await log.append(
    parseStreamName("chats/some"),
    [{ data: '{"type":"message-start","message":"m","run":"r","model":"x","at":1}' }, ...chat],
    {
      create: { kind: "chat" },
      writer: { id: "r", epoch: 1, seq: 0 },
    },
  );
  await log.append(parseStreamName("chats/some"), [{ data: JSON.stringify(ends) }], {
    writer: { id: "r", epoch: 1, seq: 1 },
    endsWriter: "r",
  });
}

test("what is saved and put back reads the same from every place, in memory and in LMDB, and saved again is the same", async () => {
  await fc.assert(
    fc.asyncProperty(streams, async (given) => {
      const folder = await mkdtemp(join(tmpdir(), "millrace-backup-"));
      const first = createMemoryLog();
      const second = await openLmdbLog({ directory: folder });
      const third = createMemoryLog();
      try {
        await fill(first, given);
        let from = first;
        for (const to of [second, third]) {
          await using source = await startApp({ log: keepOpen(from) });
          await using target = await startApp({ log: keepOpen(to) });
          const saved = await save(source);
          const names = ["some/log", "some/state", "chats/some"];
          expect(await (await putBack(target, saved)).json()).toMatchObject({ streams: 3 });
          for (const name of names) {
            const was = await contentOf(from, name);
            const is = await contentOf(to, name);
            const flat = ({ entries }: typeof is) => (name === "chats/some" ? foldOf(entries) : entries);
            expect(flat(is)).toEqual(flat(was));
            expect({ ...is.info, epochs: [] }).toEqual({ ...was.info, epochs: [] });
            // The chain goes on: each cursor of before means the same place, and what comes is told apart.
            expect(is.info.epochs.slice(0, -1)).toEqual(was.info.epochs);
            expect(is.info.epochs.at(-1)?.from).toBe(was.info.head + 1);
            const middle = Math.max(was.info.floor - 1, Math.floor((was.info.head + was.info.floor) / 2) - 1);
            const cursor = parseCursor(formatCursor(cursorAt(was.info.epochs, middle)));
            if (cursor !== undefined)
              expect(resolveCursor(is.info, cursor)).toEqual({ status: "honoured", after: middle });
            if (name !== "some/state")
              expect(textsOf((await contentOf(to, name, middle)).entries)).toEqual(
                textsOf((await contentOf(from, name, middle)).entries),
              );
          }
          from = to;
        }
      } finally {
        for (const log of [first, second, third]) await log.close();
        await rm(folder, { recursive: true, force: true });
      }
    }),
    { numRuns: 12 },
  );
});

/** A server closes its log; here it is read on. */
function keepOpen(log: Log): Log {
  return { ...log, close: () => Promise.resolve() };
}

function foldOf(entries: readonly Entry[]) {
  return foldChat(
    EMPTY_CHAT,
    entries.map(({ offset, data }) => ({ offset, event: JSON.parse(data) as never })),
  );
}

/** However deltas are merged. */
function textsOf(entries: readonly Entry[]): string {
  return entries
    .map(({ data }) =>
      data.startsWith('{"type":"text-delta"') ? (JSON.parse(data) as { text: string }).text : data,
    )
    .join("");
}

test("a stream is saved while it is written, and what is saved has no hole", async () => {
  await using app = await startApp();
  await app.send("PUT", "/v1/streams/busy", { kind: "log", retention: { maxEvents: 500 } });
  await app.send("PUT", "/v1/streams/board", { kind: "state" });
  const state = { isOver: false, written: 0 };
  const writing = (async () => {
    for (let n = 0; !state.isOver; n++) {
      await app.send(
        "POST",
        "/v1/streams/busy",
        Array.from({ length: 50 }, () => ({ n })),
      );
      await app.send("POST", "/v1/streams/board", { key: `k${n % 20}`, n });
      state.written += 1;
      // In memory nothing waits for the loop, which would never come to its timers.
      await new Promise((resolve) => setImmediate(resolve));
    }
  })();
  try {
    for (let round = 0; round < 10; round++) {
      // From then on each key is there.
      if (round === 6) await expect.poll(() => state.written).toBeGreaterThan(20);
      const saved = await save(app);
      await using other = await startApp();
      expect((await putBack(other, saved)).status).toBe(200);
      const { entries } = await contentOf(other.server.log, "board");
      const keys = new Set(entries.map(({ data }) => (JSON.parse(data) as { key: string }).key));
      expect(keys.size).toBe(entries.length);
      if (round > 5) expect(keys.size).toBe(20);
    }
  } finally {
    state.isOver = true;
    await writing;
  }
});

test("a key that changes while its state is saved stands where it changed last, and once", async () => {
  const kept = createMemoryLog();
  const board = parseStreamName("board");
  const long = "x".repeat(60_000);
  const set = (key: string, n: number) =>
    kept.append(board, [{ key, data: JSON.stringify({ key, n, long }) }], { create: { kind: "state" } });
  let pages = 0;
  const { backup } = kept;
  if (backup === undefined) throw new Error("A log in memory can be saved.");
  const log: Log = {
    ...kept,
    backup: {
      ...backup,
      async readSingles(stream, after) {
        const page = await backup.readSingles(stream, after);
        if (stream === board && ++pages === 1) await set("k0", 2);
        return page;
      },
    },
  };
  await using app = await startApp({ log });
  for (let index = 0; index < 10; index++) await set(`k${index}`, 1);
  const saved = await save(app, "?stream=board");
  expect(pages).toBeGreaterThan(2);
  const offsets = [...saved.matchAll(/^\{"offset":(\d+)/gm)].map(([, offset]) => Number(offset));
  expect(offsets).toEqual([2, 3, 4, 5, 6, 7, 8, 9, 10, 11]);
});

test("whether a backup can be had is answered without one", async () => {
  const kept = createMemoryLog();
  const { backup } = kept;
  if (backup === undefined) throw new Error("A log in memory can be saved.");
  const streams = vi.spyOn(backup, "streams");
  await using app = await startApp({ log: kept });
  const response = await app.ask("/v1/export", { method: "HEAD" });
  expect([response.status, response.headers.get("content-type")]).toEqual([200, NDJSON["content-type"]]);
  expect(streams).not.toHaveBeenCalled();
  await save(app);
  expect(streams).toHaveBeenCalled();
});

test("a reader with a cursor of before goes on where the backup has its place, and is told where it has not", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/a", [{ n: 1 }, { n: 2 }]);
  const saved = await save(app, "?stream=a");
  await app.send("POST", "/v1/streams/a", { n: 3 });
  const cursors = (
    (await (await app.ask("/v1/streams/a")).json()) as { events: { cursor: string }[] }
  ).events.map(({ cursor }) => cursor);
  expect((await putBack(app, saved, "?replace=true")).status).toBe(200);
  await app.send("POST", "/v1/streams/a?close=true", { n: "other" });
  const read = async (cursor = "") =>
    blocks(
      await (await app.ask("/v1/streams/a", { headers: { ...EVENTS, "last-event-id": cursor } })).text(),
    );
  const resumed = await read(cursors[0]);
  expect(resumed.filter(({ event }) => event === undefined).map(({ data }) => data)).toEqual([
    '{"n":2}',
    '{"n":"other"}',
  ]);
  const beyond = await read(cursors[2]);
  expect(beyond.find(({ event }) => event === "stream-reset")?.["data"]).toContain("beyond-head");
});

test("an answer that was being written ends as interrupted, in its chat and in the list", async () => {
  await using app = await startApp();
  app.told.answer = async function* (_, signal) {
    yield { type: "text", text: "Half of" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
  };
  const { chat } = (await (await app.send("POST", "/v1/chats", { title: "Half" })).json()) as {
    chat: string;
  };
  await app.send(
    "POST",
    `/v1/chats/${chat}/messages`,
    { text: "hi", model: "told" },
    { "idempotency-key": "k" },
  );
  await expect
    .poll(async () => JSON.stringify(await contentOf(app.server.log, `chats/${chat}`)))
    .toContain("Half of");
  await expect
    .poll(async () => JSON.stringify(await contentOf(app.server.log, "people/local/chats")))
    .toContain('\\"run\\"');
  const saved = await save(app);
  await using other = await startApp();
  expect((await putBack(other, saved)).status).toBe(200);
  const fold = (await (await other.ask(`/v1/chats/${chat}`)).json()) as {
    run?: string;
    messages: { text?: string; end?: { reason: string } }[];
  };
  expect(fold.run).toBeUndefined();
  expect(JSON.stringify(fold.messages)).toContain("Half of");
  expect(JSON.stringify(fold.messages)).toContain("interrupted");
  const list = (await (await other.ask("/v1/chats")).json()) as {
    events: { event: { title: string; run?: string; reason?: string } }[];
  };
  expect(list.events.map(({ event }) => event)).toMatchObject([{ title: "Half", reason: "interrupted" }]);
  expect(list.events[0]?.event.run).toBeUndefined();
  // The chat goes on.
  other.told.answer = async function* () {
    yield { type: "text", text: " it" };
    yield { type: "finish", reason: "stop" };
  };
  expect(
    (await other.send("POST", `/v1/chats/${chat}/continue`, { model: "told" }, { "idempotency-key": "k2" }))
      .status,
  ).toBe(202);
});

test("an answer that is being written to what is replaced ends there, and adds nothing to it", async () => {
  await using app = await startApp();
  const go = answerSlowly(app.told);
  const asked = await app.send("POST", "/v1/runs", { prompt: "hi", model: "told" });
  const { stream } = (await asked.json()) as { stream: string };
  const content = async () => JSON.stringify((await contentOf(app.server.log, stream)).entries);
  await expect.poll(content).toContain("Hello");
  expect((await putBack(app, await save(app), "?replace=true")).status).toBe(200);
  const restored = await content();
  expect(restored).toContain("interrupted");
  expect(app.server.runner.openRuns).toBe(1);
  go.open();
  await expect.poll(() => app.server.runner.openRuns).toBe(0);
  expect(await content()).toBe(restored);
});

test("an answer that was being written has its end as soon as anybody sees it: a kill leaves none without", async () => {
  await using app = await startApp();
  answerSlowly(app.told);
  const { chat } = (await (await app.send("POST", "/v1/chats", {})).json()) as { chat: string };
  await app.send("POST", `/v1/chats/${chat}/messages`, { text: "hi", model: "told" });
  const { stream } = (await (await app.send("POST", "/v1/runs", { prompt: "hi", model: "told" })).json()) as {
    stream: string;
  };
  for (const name of [`chats/${chat}`, stream])
    await expect
      .poll(async () => JSON.stringify(await contentOf(app.server.log, name)), { timeout: 60_000 })
      .toContain("Hello");
  await expect
    .poll(async () => JSON.stringify(await contentOf(app.server.log, "people/local/chats")), {
      timeout: 60_000,
    })
    .toContain('\\"run\\"');
  const saved = await save(app);

  const log = createMemoryLog();
  const appends: string[] = [];
  const watched = {
    ...log,
    append(name: StreamName, ...rest: [readonly NewEvent[], AppendOptions?]) {
      appends.push(name);
      return log.append(name, ...rest);
    },
  };
  await using other = await startApp({ log: watched });
  expect((await putBack(other, saved)).status).toBe(200);
  // Nothing is said of them afterwards.
  expect(appends).toEqual([]);
  for (const name of [`chats/${chat}`, stream]) {
    const { info, entries } = await contentOf(log, name);
    expect(entries.at(-1)?.data).toContain('"reason":"interrupted"');
    expect(info.isClosed).toBe(name === stream);
    // It is told apart from what was written there after the backup.
    expect(info.epochs.at(-1)?.from).toBe(info.head);
  }
  const { entries } = await contentOf(log, "people/local/chats");
  expect(entries.map(({ data }) => JSON.parse(data))).toMatchObject([{ key: chat, reason: "interrupted" }]);
  const list = await contentOf(app.server.log, "people/local/chats");
  expect(entries[0]?.offset).toBe(list.info.head + 1);
});

test("what does not fit together is refused, and nothing of it is there", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/a", [{ n: 1 }, { n: 2 }, { n: 3 }]);
  const lines = (await save(app)).trimEnd().split("\n");
  await app.ask("/v1/streams/a", { method: "DELETE" });
  const broken: [string, string[]][] = [
    ["cut", lines.slice(0, 3)],
    ["without its beginning", lines.slice(1)],
    ["with a hole", lines.filter((_, index) => index !== 2)],
    ["with a line twice", [...lines.slice(0, 2), ...lines.slice(1)]],
    ["not JSON", [...lines.slice(0, 2), '{"offset":']],
    ["of another form", [...lines.slice(0, 1), '{"offset":-1,"at":0,"event":{}}']],
    ["with another end", [...lines.slice(0, 4), (lines[4] ?? "").replace('"end":"a"', '"end":"b"')]],
    ["with a name that is none", lines.map((line) => line.replaceAll('"a"', '"a b"'))],
    ["with a kind that is none", [(lines[0] ?? "").replace('"log"', '"list"'), ...lines.slice(1)]],
  ];
  for (const [what, body] of broken) {
    const response = await putBack(app, body.join("\n"));
    expect({ what, status: response.status }).toEqual({ what, status: 400 });
    expect(["invalid-request", "invalid-name"]).toContain(await code(response));
    expect((await app.ask("/v1/streams/a")).status).toBe(404);
  }
  expect((await putBack(app, lines.join("\n"))).status).toBe(200);
  const again = await putBack(app, lines.join("\n"));
  expect([again.status, await code(again)]).toEqual([409, "stream-exists"]);
  expect((await app.send("POST", "/v1/import", lines.join("\n"))).status).toBe(415);
});

const put = (to: TestServer) => to.send("POST", "/v1/streams/a", { n: 1 }, { "idempotency-key": "a1" });

test("what was sent with a key before is not done again after a restore", async () => {
  await using app = await startApp();
  const { chat } = (await (await app.send("POST", "/v1/chats", {})).json()) as { chat: string };
  const say = (to: TestServer, text = "hi") =>
    to.send("POST", `/v1/chats/${chat}/messages`, { text, model: "told" }, { "idempotency-key": "once" });
  const started = (await (await say(app)).json()) as { run: string };
  const { cursor } = (await (await put(app)).json()) as { cursor: string };
  await expect
    .poll(async () => JSON.stringify(await contentOf(app.server.log, `chats/${chat}`)))
    .toContain("message-end");
  const saved = await save(app);
  await using other = await startApp();
  expect(await (await putBack(other, saved)).json()).toMatchObject({ keys: 2 });
  const again = await say(other);
  expect([again.status, again.headers.get("idempotency-replayed")]).toEqual([202, "true"]);
  expect(await again.json()).toMatchObject({ run: started.run });
  expect(other.told.calls).toEqual([]);
  expect(await code(await say(other, "something else"))).toBe("key-reused");
  expect(await (await put(other)).json()).toMatchObject({ cursor });
  expect((await contentOf(other.server.log, "a")).entries).toHaveLength(1);
  // Without its stream a key would answer with what is not there.
  expect(await save(app, "?stream=none")).not.toContain("claim");
});

test("a key whose event is not in the backup is not, nor is one of a run that goes on", async () => {
  await using app = await startApp();
  const stream = parseStreamName("a");
  await put(app);
  const { log } = app.server;
  const epoch = (await log.info(stream))?.epochs[0]?.epoch ?? "";
  await log.append(stream, [{ data: "{}" }], { key: { id: "open", digest: "d" } });
  const record = { digest: "d", stream, expiresAt: Date.now() + 60_000 };
  await log.backup?.restoreKey("there", { ...record, cursor: `${epoch}.2` });
  await log.backup?.restoreKey("beyond", { ...record, cursor: `${epoch}.3` });
  const ids = [...(await save(app)).matchAll(/"claim":\{"id":"([^"]+)"/g)].map(([, id]) => id);
  expect(new Set(ids)).toEqual(new Set(["local POST a a1", "there"]));
});

test("a line that is too large is refused", async () => {
  await using app = await startApp();
  const line = await putBack(
    app,
    `{"millrace":"backup","version":1,"at":1,"x":"${"x".repeat(4 * 1_048_576)}`,
  );
  expect([line.status, await code(line)]).toEqual([413, "body-too-large"]);
});

test("what the server says of itself is saved only where it is named", async () => {
  await using app = await startApp();
  await app.server.log.create(parseStreamName("sys/server"), { kind: "log" });
  expect(await save(app)).not.toContain('"stream":"sys/');
  expect(await save(app, "?stream=sys/")).toContain('"stream":"sys/server"');
});

test("of two who put the same stream back one does, and an append that comes meanwhile is behind it", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/a", [{ n: 1 }, { n: 2 }]);
  const saved = await save(app, "?stream=a");
  await using other = await startApp();
  const [first, second, appended] = await Promise.all([
    putBack(other, saved),
    putBack(other, saved),
    other.send("POST", "/v1/streams/a", { n: 3 }),
  ]);
  const statuses = [first.status, second.status].toSorted((a, b) => a - b);
  expect(statuses.at(-1)).toBe(409);
  expect(appended.status).toBe(201);
  const { entries } = await contentOf(other.server.log, "a");
  const all = entries.map(({ data }) => data);
  expect(all.filter((data) => data === '{"n":3}')).toHaveLength(1);
  expect(all).toEqual(statuses[0] === 200 ? ['{"n":1}', '{"n":2}', '{"n":3}'] : ['{"n":3}']);
});
