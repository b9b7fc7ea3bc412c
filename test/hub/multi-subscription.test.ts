import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Hono } from "hono";
import { Access, EVERYBODY } from "../../src/http/auth/access.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub, HubOptions, ReadingStart } from "../../src/hub/hub.ts";
import { severalFormat } from "../../src/http/stream-format.ts";
import { severalStreamsRoutes } from "../../src/http/several-streams.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { blocks } from "../support/app.ts";
import { FakeSink } from "../support/fake-sink.ts";

let log: Log;
let hub: Hub;
/** How many watches of the log are open. */
let watches = 0;
let encoded: string[] = [];

beforeEach(() => {
  encoded = [];
  watches = 0;
  const memory = createMemoryLog();
  log = {
    ...memory,
    watch: (stream, onCommit) => {
      const unwatch = memory.watch(stream, onCommit);
      watches += 1;
      return () => {
        watches -= 1;
        unwatch();
      };
    },
  };
  hub = createHub(log);
});
afterEach(async () => {
  vi.useRealTimers();
  hub.close();
  await log.close();
});

/** Another clock needs another hub. */
function startHub(options: HubOptions = {}): void {
  hub.close();
  hub = createHub(log, options);
}

function formatOf(stream: string) {
  const format = severalFormat(parseStreamName(stream));
  return {
    ...format,
    entry: (...args: Parameters<typeof format.entry>) => {
      encoded.push(`${stream} ${args[1].offset}`);
      return format.entry(...args);
    },
  };
}

async function subscribe(
  names: readonly string[],
  sink = new FakeSink(),
  from: ReadingStart = { at: "start" },
): Promise<FakeSink> {
  const streams = names.map((name) => ({ stream: parseStreamName(name), format: formatOf(name), from }));
  await hub.subscribeSeveral({ streams, sink });
  return sink;
}

async function append(stream: string, numbers: readonly number[], { close = false, pad = "" } = {}) {
  await log.append(
    parseStreamName(stream),
    numbers.map((n) => ({ data: JSON.stringify({ n, ...(pad !== "" && { pad }) }) })),
    { create: { kind: "log", retention: { maxEvents: 100_000 } }, close },
  );
}

function count(from: number, size: number): number[] {
  return Array.from({ length: size }, (_, index) => from + index);
}

/** The numbers of one stream, as data events brought them. */
function numbersOf(sink: FakeSink, stream: string): number[] {
  return dataOf(sink.text)
    .filter((data) => data.stream === stream)
    .map((data) => data.event.n);
}

function dataOf(text: string): { stream: string; event: { n: number } }[] {
  return blocks(text)
    .filter((block) => block["event"] === undefined && block["data"] !== undefined)
    .map((block) => JSON.parse(block["data"] ?? "") as { stream: string; event: { n: number } });
}

/** The named events of a kind. */
function said(sink: FakeSink, event: string): unknown[] {
  return blocks(sink.text)
    .filter((block) => block["event"] === event)
    .map((block) => JSON.parse(block["data"] ?? "") as unknown);
}

const turn = () => new Promise<void>((resolve) => void setImmediate(resolve));

type Step =
  | { type: "append"; stream: number; size: number; pad: number }
  | { type: "cut"; after: number }
  | { type: "stick" }
  | { type: "drain" }
  | { type: "turn" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("append" as const),
      stream: fc.nat(2),
      size: fc.oneof({ weight: 9, arbitrary: fc.integer({ min: 1, max: 20 }) }, fc.constant(600)),
      pad: fc.constantFrom(0, 0, 500),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("cut" as const),
      after: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.constantFrom<Step>({ type: "stick" }, { type: "drain" }, { type: "turn" }) },
);

test("a reader that is cut after any block and comes back with its last id gets each event of each stream once, in order", async () => {
  const names = ["a", "b", "c"];
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 25 }), async (steps) => {
      const own = createMemoryLog();
      const readers = createHub(own);
      let sink = new FakeSink();
      const edge = { open: () => ({ sink, response: new Response() }), answer: () => undefined };
      const routes = new Hono()
        .use((context, next) => {
          const owners = { chat: () => Promise.resolve(undefined), run: () => Promise.resolve(undefined) };
          context.set("access", new Access({ principal: EVERYBODY, owners, isEverybody: true }));
          return next();
        })
        .route("/", severalStreamsRoutes({ log: own, hub: readers, edge }));
      const sent = names.map((): number[] => []);
      const got = names.map((): number[] => []);
      let id: string | undefined;
      const connect = async () => {
        sink = new FakeSink();
        const headers = { accept: "text/event-stream", ...(id !== undefined && { "last-event-id": id }) };
        return routes.request("/v1/streams?stream=a&stream=b&stream=c", { headers });
      };
      /** Takes the first blocks of what came. */
      const take = (part: number) => {
        const all = sink.text.split("\n\n").slice(0, -1);
        for (const text of all.slice(0, Math.round(part * all.length))) {
          id = /^id: (.*)$/m.exec(text)?.[1] ?? id;
          expect(text).not.toContain("stream-reset");
          for (const { stream, event } of dataOf(text)) got[names.indexOf(stream)]?.push(event.n);
        }
      };
      const add = async (index: number, size: number, pad: number, close = false) => {
        const row = sent[index] ?? [];
        const numbers = count(row.length, size);
        row.push(...numbers);
        const events = numbers.map((n) => ({ data: JSON.stringify({ n, pad: "x".repeat(pad) }) }));
        const create = { kind: "log" as const, retention: { maxEvents: 100_000 } };
        await own.append(parseStreamName(names[index] ?? ""), events, { create, close });
      };
      await connect();
      for (const next of steps) {
        if (next.type === "append") await add(next.stream, next.size, next.pad);
        else if (next.type === "turn") await turn();
        else if (next.type === "stick") sink.isStuck = true;
        else if (next.type === "drain") {
          sink.isStuck = false;
          sink.drain();
        } else if (next.type === "cut") {
          take(next.after);
          sink.leave();
          await connect();
        }
      }
      for (const index of names.keys()) await add(index, 1, 0, true);
      sink.isStuck = false;
      sink.drain();
      while (!sink.isEnded) await turn();
      take(1);
      expect(got).toEqual(sent);
      expect((await connect()).status).toBe(204);
      expect(readers.readers).toBe(0);
      readers.close();
      await own.close();
    }),
    { numRuns: 60 },
  );
});

test("encodes each event once for 20 readers, each with an id of its own", async () => {
  await append("a", [0]);
  await append("b", [0]);
  const after = await Promise.all(
    count(0, 20).map((n) => subscribe(n % 2 === 0 ? ["a", "b"] : ["a"], new FakeSink(), { at: "now" })),
  );
  encoded = [];
  await append("a", [1, 2]);
  await vi.waitFor(() => expect(after.every((sink) => numbersOf(sink, "a").length === 2)).toBe(true));
  expect(encoded).toEqual(["a 2", "a 3"]);
  const ids = after.map(
    (sink) => blocks(sink.text).findLast(({ data }) => data?.includes('"event"'))?.["id"],
  );
  expect(ids[0]).toMatch(/^[0-9a-z]+\.1~[0-9a-z]+\.3$/);
  expect(ids[1]).toMatch(/^[0-9a-z]+\.3$/);
});

test("each data event has the whole set as its id, without streams that do not exist yet", async () => {
  await append("a", [1]);
  const sink = await subscribe(["a", "b"]);
  await vi.waitFor(() => expect(numbersOf(sink, "a")).toEqual([1]));
  await append("b", [1, 2]);
  await vi.waitFor(() => expect(numbersOf(sink, "b")).toEqual([1, 2]));
  await append("a", [2]);
  await vi.waitFor(() => expect(numbersOf(sink, "a")).toEqual([1, 2]));
  const ids = blocks(sink.text)
    .filter(({ event, data }) => event === undefined && data !== undefined)
    .map((block) => (block["id"] ?? "").split("~").map((cursor) => cursor.split(".")));
  const [[[a] = []] = [], , [, [b] = []] = []] = ids;
  // Its own cursor stands last, by which a reader knows it.
  expect(ids.map((set) => set.at(-1))).toEqual([
    [a, "1"],
    [b, "1"],
    [b, "2"],
    [a, "2"],
  ]);
  expect(ids.map((set) => Object.fromEntries(set) as unknown)).toEqual([
    { [a ?? ""]: "1" },
    { [a ?? ""]: "1", [b ?? ""]: "1" },
    { [a ?? ""]: "1", [b ?? ""]: "2" },
    { [a ?? ""]: "2", [b ?? ""]: "2" },
  ]);
  expect(said(sink, "stream-start")).toMatchObject([
    { stream: "a", status: "new" },
    { stream: "b", status: "waiting" },
  ]);
  // The one that has nothing yet is there first.
  expect(said(sink, "stream-caught-up")).toMatchObject([{ stream: "b" }, { stream: "a" }]);
});

test.each([
  ["two streams", 2, 20_000, ""],
  ["32 streams, whose ids are longer than their events", 32, 300, ""],
  ["two streams of larger events", 2, 300, "x".repeat(3_000)],
])(
  "reads to a slow reader of %s from the log, in pieces of at most 16 KiB",
  async (_, streams, size, pad) => {
    const names = count(0, streams).map((n) => `s${n}`);
    const sink = await subscribe(names);
    sink.isStuck = true;
    for (let at = 0; at < size; at += 1_000) {
      const numbers = count(at, Math.min(1_000, size - at));
      for (const name of names) await append(name, numbers, { pad });
    }
    await turn();
    expect(sink.buffered).toBeLessThanOrEqual(49_152);
    let last = sink.bundles.length;
    const pieces: number[] = [];
    while (numbersSize(sink) < streams * size) {
      const before = sink.bundles.length;
      sink.drain();
      while (sink.bundles.length === before) await turn();
      pieces.push(...sink.bundles.slice(last).map(({ payload }) => payload.length));
      last = sink.bundles.length;
      expect(sink.buffered).toBeLessThanOrEqual(16_384);
    }
    expect(Math.max(...pieces)).toBeLessThanOrEqual(16_384);
    for (const name of names) expect(numbersOf(sink, name)).toEqual(count(0, size));
  },
);

/** How many data events came, counted without reading the whole text again. */
const counted = new WeakMap<FakeSink, { bundles: number; events: number }>();
function numbersSize(sink: FakeSink): number {
  const known = counted.get(sink) ?? { bundles: 0, events: 0 };
  for (const { payload } of sink.bundles.slice(known.bundles)) {
    known.events += new TextDecoder().decode(payload).split('"event":').length - 1;
  }
  known.bundles = sink.bundles.length;
  counted.set(sink, known);
  return known.events;
}

test("streams have their turns: a long one lets a short one through", async () => {
  await append("long", count(0, 20_000));
  await append("short", [1, 2, 3]);
  const sink = await subscribe(["long", "short"]);
  await vi.waitFor(() => expect(numbersOf(sink, "long")).toHaveLength(20_000));
  expect(numbersOf(sink, "short")).toEqual([1, 2, 3]);
  expect(dataOf(sink.text).findLastIndex(({ stream }) => stream === "short")).toBeLessThan(1_000);
});

test("a live event of one stream comes between the pieces of another's replay", async () => {
  await append("long", count(0, 20_000));
  await append("live", []);
  const sink = await subscribe(["long", "live"]);
  await append("live", [1]);
  await vi.waitFor(() => expect(numbersOf(sink, "long")).toHaveLength(20_000));
  const place = dataOf(sink.text).findIndex(({ stream }) => stream === "live");
  expect(place).toBeGreaterThan(0);
  expect(place).toBeLessThan(2_000);
});

test("deletion ends one stream, in a reader that is live, blocked or waits for the log", async () => {
  await append("a", count(0, 5_000));
  await append("b", [1]);
  const live = await subscribe(["a", "b"], new FakeSink(), { at: "now" });
  const reading = await subscribe(["a", "b"]);
  const blocked = await subscribe(["a", "b"], new FakeSink(), { at: "now" });
  blocked.isStuck = true;
  await append("b", [2]);
  await log.delete(parseStreamName("a"));
  expect(said(blocked, "stream-end")).toEqual([]);
  blocked.isStuck = false;
  blocked.drain();
  await append("b", [3]);
  for (const sink of [live, reading, blocked]) {
    await vi.waitFor(() => expect(numbersOf(sink, "b").at(-1)).toBe(3));
    expect(said(sink, "stream-end")).toEqual([{ stream: "a", reason: "deleted" }]);
    expect(sink.isEnded).toBe(false);
    // It has no cursor any more.
    expect(blocks(sink.text).at(-1)?.["id"]).toMatch(/^[0-9a-z]+\.3$/);
  }
  await log.delete(parseStreamName("b"));
  expect([live, reading, blocked].every(({ isEnded }) => isEnded)).toBe(true);
  expect(hub.readers).toBe(0);
  expect(watches).toBe(0);
});

test("a stream that is closed ends and keeps its cursor, and the last to end ends the connection", async () => {
  await append("a", [1]);
  await append("b", [1]);
  const sink = await subscribe(["a", "b"]);
  await append("a", [2], { close: true });
  await append("b", [2]);
  await vi.waitFor(() => expect(numbersOf(sink, "b")).toEqual([1, 2]));
  expect(said(sink, "stream-end")).toEqual([{ stream: "a", reason: "closed" }]);
  expect(blocks(sink.text).at(-1)?.["id"]).toMatch(/^[0-9a-z]+\.2~[0-9a-z]+\.2$/);
  expect(sink.isEnded).toBe(false);
  await append("b", [], { close: true });
  await vi.waitFor(() => expect(sink.isEnded).toBe(true));
  expect(hub.readers).toBe(0);
  expect(watches).toBe(0);
});

test("is one reader, which is pinged with the set, ended at its age and cut when it takes nothing", async () => {
  vi.useFakeTimers();
  startHub();
  await append("a", [1]);
  const sink = await subscribe(["a", "b", "c"]);
  const stuck = await subscribe(["a", "b", "c"]);
  expect(hub.readers).toBe(2);
  await append("b", [1]);
  stuck.isStuck = true;
  await append("b", [2]);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(stuck.isDestroyed).toBe(true);
  expect(hub.readers).toBe(1);
  const ping = blocks(sink.text).findLast(({ event }) => event === "ping");
  expect(ping?.["id"]).toMatch(/^[0-9a-z]+\.1~[0-9a-z]+\.2$/);
  expect(JSON.parse(ping?.["data"] ?? "")).toEqual({ cursor: ping?.["id"] });
  await vi.advanceTimersByTimeAsync(720_000);
  expect(sink.isEnded).toBe(true);
  expect(watches).toBe(0);
});

test("a stream that is overtaken by the floor is reset in place, the other goes on", async () => {
  await log.create(parseStreamName("a"), { kind: "log", retention: { maxEvents: 600 } });
  await append("b", [1]);
  const sink = await subscribe(["a", "b"]);
  sink.isStuck = true;
  await append("a", [0]);
  for (let n = 1; n < 2_001; n += 100) await append("a", count(n, 100));
  sink.isStuck = false;
  sink.drain();
  await vi.waitFor(() => expect(numbersOf(sink, "a").at(-1)).toBe(2_000));
  const reset = blocks(sink.text).find(({ event }) => event === "stream-reset");
  const { from, ...rest } = JSON.parse(reset?.["data"] ?? "") as { from: string };
  expect(rest).toEqual({ stream: "a", reason: "trimmed" });
  expect(reset?.["id"]?.split("~")).toContain(from);
  const after = dataOf(sink.text.slice(sink.text.lastIndexOf("\n\n", sink.text.indexOf("stream-reset"))));
  expect(after.filter(({ stream }) => stream === "a").map(({ event }) => event.n)).toEqual(count(1_401, 600));
  expect(numbersOf(sink, "b")).toEqual([1]);
});

test("a refused cursor keeps the id until the last refusal is said", async () => {
  await append("a", [1]);
  await append("b", [1]);
  const sink = await subscribe(["a", "b"], new FakeSink(), { at: "reset", reason: "unknown-epoch" });
  const [first, second, third, fourth] = blocks(sink.text);
  expect([first, second, third].map((block) => block?.["id"])).toEqual([undefined, undefined, undefined]);
  expect(first?.["retry"]).toMatch(/^\d+$/);
  expect(fourth?.["event"]).toBe("stream-reset");
  expect(fourth?.["id"]).toMatch(/^[0-9a-z]+\.0~[0-9a-z]+\.0$/);
});

test("asks again where the log did not answer, and leaves nothing behind where it cannot open", async () => {
  await append("a", [1, 2]);
  const away = new StreamError("log-unavailable", "away");
  const read = vi.spyOn(log, "read").mockRejectedValueOnce(away);
  const sink = await subscribe(["a", "b"]);
  await vi.waitFor(() => expect(numbersOf(sink, "a")).toEqual([1, 2]));
  expect(read).toHaveBeenCalledTimes(2);
  sink.leave();
  expect(watches).toBe(0);
  const info = log.info.bind(log);
  vi.spyOn(log, "info").mockImplementation((stream) =>
    stream === "b" ? Promise.reject(away) : info(stream),
  );
  await expect(subscribe(["a", "b", "c"])).rejects.toBe(away);
  expect(hub.readers).toBe(0);
  expect(watches).toBe(0);
});

test("a reader or a hub that is gone before it begins leaves nothing behind", async () => {
  await subscribe(["a", "b"], new FakeSink({ isGone: true }));
  expect([hub.readers, watches]).toEqual([0, 0]);
  const sink = new FakeSink();
  const opening = subscribe(["a", "b"], sink);
  hub.close();
  await opening;
  expect(sink.isEnded).toBe(true);
  expect([hub.readers, watches]).toEqual([0, 0]);
  expect((await subscribe(["a"])).isEnded).toBe(true);
});
