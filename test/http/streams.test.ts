import { afterEach, beforeEach, expect, test } from "vitest";
import { EVENTS, blocks, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app[Symbol.asyncDispose]());

const path = "/v1/streams/scores/today";

async function append(...numbers: number[]): Promise<string> {
  const response = await app.send(
    "POST",
    path,
    numbers.map((n) => ({ n })),
  );
  expect(response.status).toBe(201);
  return ((await response.json()) as { cursor: string }).cursor;
}

async function close(): Promise<string> {
  const response = await app.send("POST", `${path}?close=true`, []);
  return ((await response.json()) as { cursor: string }).cursor;
}

function events(body: string): unknown[] {
  return blocks(body)
    .filter((block) => block["event"] === undefined && block["data"] !== undefined)
    .map((block) => JSON.parse(block["data"] ?? "") as unknown);
}

test("creates, appends and reads as JSON", async () => {
  expect((await app.send("PUT", path, { kind: "log" })).status).toBe(201);
  expect((await app.send("PUT", path, { kind: "log" })).status).toBe(200);
  const cursor = await append(1, 2);
  const response = await app.ask(path);
  const page = (await response.json()) as { events: { at: number }[] };
  const epoch = cursor.split(".")[0];
  expect(page).toEqual({
    stream: "scores/today",
    events: [
      { cursor: `${epoch}.1`, at: expect.any(Number), event: { n: 1 } },
      { cursor: `${epoch}.2`, at: expect.any(Number), event: { n: 2 } },
    ],
    next: cursor,
    head: cursor,
    closed: false,
  });
  expect(await (await app.ask(`${path}?after=${cursor}`)).json()).toMatchObject({ events: [], next: cursor });
  expect(await (await app.ask(`${path}?after=now`)).json()).toMatchObject({ events: [], next: cursor });
});

test("a connection begins with retry, id and stream-start, then replays, then says that it has caught up", async () => {
  const cursor = await append(1, 2);
  const response = await app.ask(path, { headers: EVENTS });
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    "x-accel-buffering": "no",
    vary: "Accept",
  });
  const [first, one, two, caughtUp] = blocks(await readUntil(response, "stream-caught-up\ndata"));
  const epoch = cursor.split(".")[0];
  expect(Object.keys(first ?? {})).toEqual(["retry", "id", "event", "data"]);
  expect(first).toMatchObject({ id: `${epoch}.0`, event: "stream-start" });
  expect(JSON.parse(first?.["data"] ?? "")).toEqual({
    stream: "scores/today",
    status: "new",
    from: `${epoch}.0`,
    head: cursor,
  });
  expect([one, two]).toEqual([
    { id: `${epoch}.1`, data: '{"n":1}' },
    { id: `${epoch}.2`, data: '{"n":2}' },
  ]);
  expect(caughtUp).toMatchObject({ id: cursor, event: "stream-caught-up" });
});

test("a stream that does not exist waits for its first event, but is unknown as JSON", async () => {
  expect((await app.ask(path)).status).toBe(404);
  expect((await app.ask(path, { method: "HEAD" })).status).toBe(404);
  const response = await app.ask(`${path}?live=1`);
  const body = readUntil(response, '{"n":1}');
  await append(1);
  expect(await body).toContain('"status":"waiting"');
});

test("the header wins over the query, and `now` begins at the head", async () => {
  const cursor = await append(1, 2, 3);
  const epoch = cursor.split(".")[0];
  await close();
  const headers = { ...EVENTS, "last-event-id": `${epoch}.2` };
  expect(
    events(await (await app.ask(`${path}?last_event_id=${epoch}.0&after=start`, { headers })).text()),
  ).toEqual([{ n: 3 }]);
  expect(
    events(await (await app.ask(`${path}?last_event_id=${epoch}.1`, { headers: EVENTS })).text()),
  ).toEqual([{ n: 2 }, { n: 3 }]);
  expect(events(await (await app.ask(`${path}?after=${epoch}.1`, { headers: EVENTS })).text())).toEqual([
    { n: 2 },
    { n: 3 },
  ]);
  expect(events(await (await app.ask(`${path}?after=now`, { headers: EVENTS })).text())).toEqual([]);
});

function at(id?: string): Promise<Response> {
  return app.ask(path, { headers: { ...EVENTS, ...(id !== undefined && { "last-event-id": id }) } });
}

test("204 if and only if the cursor stands at the closing offset", async () => {
  const cursor = await append(1, 2);
  const epoch = cursor.split(".")[0];
  const open = await at(cursor);
  expect(open.status).toBe(200);
  await open.body?.cancel();
  expect(await close()).toBe(cursor);
  expect((await at(cursor)).status).toBe(204);
  const older = await (await at(`${epoch}.1`)).text();
  expect(events(older)).toEqual([{ n: 2 }]);
  expect(blocks(older).at(-1)).toEqual({ event: "stream-end", data: '{"reason":"closed"}' });
  const none = await (await at()).text();
  expect(events(none)).toEqual([{ n: 1 }, { n: 2 }]);
  expect(blocks(none).at(-1)).toMatchObject({ event: "stream-end" });
});

test.each([
  ["of another epoch", () => "aaaaaaaa.1", "unknown-epoch"],
  ["of the future", (epoch: string) => `${epoch}.99`, "beyond-head"],
  ["of nonsense", () => "17", "unknown-epoch"],
])("a cursor %s is told, and gets the stream anew", async (_, cursor, reason) => {
  const epoch = (await append(1, 2)).split(".")[0] ?? "";
  await close();
  const body = await (await app.ask(path, { headers: { ...EVENTS, "last-event-id": cursor(epoch) } })).text();
  // Cut right behind the first block, the browser comes back with its old cursor, and is told again.
  expect(blocks(body)[0]).toMatchObject({ event: "stream-start" });
  expect(blocks(body)[0]).not.toHaveProperty("id");
  expect(blocks(body)[1]).toEqual({
    id: `${epoch}.0`,
    event: "stream-reset",
    data: JSON.stringify({ reason, from: `${epoch}.0` }),
  });
  expect(events(body)).toEqual([{ n: 1 }, { n: 2 }]);
});

test("a cursor below what is kept is told that it was trimmed", async () => {
  await app.send("PUT", path, { kind: "log", retention: { maxEvents: 2 } });
  const epoch = (await append(1, 2, 3, 4, 5)).split(".")[0];
  await append(6);
  await close();
  const body = await (await app.ask(path, { headers: { ...EVENTS, "last-event-id": `${epoch}.1` } })).text();
  expect(blocks(body)[1]).toMatchObject({
    event: "stream-reset",
    data: JSON.stringify({ reason: "trimmed", from: `${epoch}.4` }),
  });
  expect(events(body)).toEqual([{ n: 5 }, { n: 6 }]);
  // Who asks for the start gets what there is.
  const start = await (await app.ask(path, { headers: EVENTS })).text();
  expect(start).not.toContain("stream-reset");
  expect(events(start)).toEqual([{ n: 5 }, { n: 6 }]);
});

test("a state stream gives each key once, and removes what is deleted", async () => {
  await app.send("PUT", path, { kind: "state" });
  await app.send("POST", path, [
    { key: "a", n: 1 },
    { key: "b", n: 1 },
    { key: "a", n: 2 },
    { key: "b", deleted: true },
  ]);
  await close();
  const body = await (await app.ask(path, { headers: EVENTS })).text();
  expect(events(body)).toEqual([
    { key: "a", n: 2 },
    { key: "b", deleted: true },
  ]);
});

test("a key that two change at once has one last word, the same for who watched, who comes late and who wrote", async () => {
  await app.send("PUT", path, { kind: "state" });
  const watching = ["one", "two"].map(() => app.ask(path, { headers: EVENTS }));
  const readers = await Promise.all(watching);
  const writes = Array.from({ length: 40 }, (_, n) => ({ key: "t1", by: n % 2 === 0 ? "one" : "two", n }));
  const answers = await Promise.all(writes.map((event) => app.send("POST", path, event)));
  const cursors = (await Promise.all(answers.map((answer) => answer.json()))) as { cursor: string }[];
  const offsets = cursors.map(({ cursor }) => Number(cursor.split(".")[1]));
  const later = writes[offsets.indexOf(Math.max(...offsets))];
  expect(new Set(offsets).size).toBe(40);
  for (const reader of readers) {
    const seen = events(await readUntil(reader, `.${Math.max(...offsets)}\ndata:`));
    expect(seen.at(-1)).toEqual(later);
  }
  const page = (await (await app.ask(path)).json()) as { events: { event: object }[] };
  expect(page.events.map(({ event }) => event)).toEqual([later]);
});

test("deletion ends its readers, and later it is unknown", async () => {
  await append(1);
  const response = await app.ask(path, { headers: EVENTS });
  const body = response.text();
  expect((await app.ask(path, { method: "DELETE" })).status).toBe(204);
  expect(blocks(await body).at(-1)).toEqual({ event: "stream-end", data: '{"reason":"deleted"}' });
  expect((await app.ask(path)).status).toBe(404);
  expect((await app.ask(path, { method: "DELETE" })).status).toBe(404);
});

test("the same key appends once, and another body is refused", async () => {
  const headers = { "idempotency-key": "k1" };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => app.send("POST", path, { n: 1 }, headers)),
  );
  const bodies = await Promise.all(answers.map((answer) => answer.text()));
  expect(new Set(bodies).size).toBe(1);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 201));
  expect(answers.filter((answer) => answer.headers.get("idempotency-replayed") === "true")).toHaveLength(9);
  expect((await app.send("POST", path, { n: 2 }, headers)).status).toBe(422);
  expect(await (await app.ask(path)).json()).toMatchObject({ events: [{ event: { n: 1 } }] });
});

test("HEAD says head and end, starts nothing, and for events gives their headers", async () => {
  const cursor = await append(1);
  const head = await app.ask(path, { method: "HEAD" });
  expect(head.headers.get("stream-head")).toBe(cursor);
  expect(head.headers.get("stream-closed")).toBe("false");
  const live = await app.ask(path, { method: "HEAD", headers: EVENTS });
  expect(live.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(await live.text()).toBe("");
  expect(app.server.readers).toBe(0);
});

test("a run that is unknown answers 204, since nothing will ever come", async () => {
  expect((await app.ask("/v1/streams/runs/unknown", { headers: EVENTS })).status).toBe(204);
});
