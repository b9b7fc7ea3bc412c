import { EventSource } from "eventsource";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EVENTS, blocks, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
beforeEach(async () => {
  app = await startApp();
});
afterEach(() => app[Symbol.asyncDispose]());

const path = "/v1/streams?stream=a&stream=b";

async function append(stream: string, ...numbers: number[]): Promise<string> {
  const events = numbers.map((n) => ({ n }));
  const response = await app.send("POST", `/v1/streams/${stream}`, events);
  return ((await response.json()) as { cursor: string }).cursor;
}

async function close(...streams: string[]): Promise<void> {
  for (const stream of streams) await app.send("POST", `/v1/streams/${stream}?close=true`, []);
}

function at(id?: string, url = path): Promise<Response> {
  return app.ask(url, { headers: { ...EVENTS, ...(id !== undefined && { "last-event-id": id }) } });
}

async function read(query: string, id?: string): Promise<string[]> {
  return events(await (await at(id, path + query)).text());
}

/** What data events brought, such as `a1`. */
function events(body: string): string[] {
  return blocks(body)
    .filter((block) => block["event"] === undefined && block["data"] !== undefined)
    .map((block) => JSON.parse(block["data"] ?? "") as { stream: string; event: { n: number } })
    .map(({ stream, event }) => `${stream}${event.n}`);
}

/** What named events of a kind said. */
function said(body: string, event: string): unknown[] {
  return blocks(body)
    .filter((block) => block["event"] === event)
    .map((block) => JSON.parse(block["data"] ?? "") as unknown);
}

function set(id: string | undefined): string[] {
  return (id ?? "").split("~").toSorted();
}

/** The body without what differs between two readers. */
function steady(body: string): string {
  return body.replace(/^retry: \d+$/m, "retry: N");
}

function before(cursor: string): string {
  return `${cursor.split(".")[0]}.0`;
}

test("a connection begins with retry, id and a start for each, and its id is the set of cursors", async () => {
  const a = await append("a", 1);
  const b = await append("b", 1);
  await close("a", "b");
  const response = await at();
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": "text/event-stream; charset=utf-8",
    "cache-control": "no-store, no-transform",
    vary: "Accept",
  });
  const body = await response.text();
  expect(
    body
      .replace(/^retry: \d+$/m, "retry: N")
      .replaceAll(before(a), "A")
      .replaceAll(before(b), "B"),
  ).toBe(
    `retry: N
id: A~B
event: stream-start
data: {"stream":"a","status":"new","from":"A","head":"${a}"}

event: stream-start
data: {"stream":"b","status":"new","from":"B","head":"${b}"}

id: B~${a}
data: {"stream":"a","event":{"n":1}}

id: ${a}~${b}
data: {"stream":"b","event":{"n":1}}

id: ${a}~${b}
event: stream-caught-up
data: {"stream":"a","cursor":"${a}"}

id: ${a}~${b}
event: stream-caught-up
data: {"stream":"b","cursor":"${b}"}

id: ${a}~${b}
event: stream-end
data: {"stream":"a","reason":"closed"}

id: ${a}~${b}
event: stream-end
data: {"stream":"b","reason":"closed"}

`,
  );
});

test("where to start: the header, then the query's id, then `after`; a stream without a cursor from its start", async () => {
  const a = await append("a", 1, 2, 3);
  const b = await append("b", 1, 2);
  await close("a", "b");
  const [ea, eb] = [a.split(".")[0], b.split(".")[0]];
  expect(await read(`&last_event_id=${ea}.0&after=now`, `${eb}.1~${ea}.2`)).toEqual(["a3", "b2"]);
  expect(await read(`&last_event_id=${ea}.1&after=start`)).toEqual(["a2", "a3", "b1", "b2"]);
  expect(await read(`&after=${ea}.2~${eb}.1`)).toEqual(["a3", "b2"]);
  expect(await read(`&after=${eb}.2`)).toEqual(["a1", "a2", "a3"]);
  expect(await read("&after=start")).toEqual(["a1", "a2", "a3", "b1", "b2"]);
  expect(await read("&after=now")).toEqual([]);
  // Of two for one stream the earlier counts.
  expect(await read("", `${ea}.2~${ea}.1~${b}`)).toEqual(["a2", "a3"]);
});

test("a stream that began after the id was given is read from its start, also where `after=now` stands in the URL", async () => {
  await append("a", 1);
  const first = await readUntil(await at(undefined, `${path}&after=now`), "caught-up");
  expect(said(first, "stream-start")).toMatchObject([{ status: "new" }, { status: "waiting" }]);
  await append("b", 1, 2);
  await append("a", 2);
  const second = await at(blocks(first)[0]?.["id"], `${path}&after=now`);
  expect(events(await readUntil(second, '{"stream":"b","event":{"n":2}}'))).toEqual(["a2", "b1", "b2"]);
});

test.each([
  ["of one stream that is beyond its head is told for that one", "<a>.99~<b>.1", [["a", "beyond-head"]]],
  ["that matches none is told for the stream that found none", "aaaaaaaa.1~<b>.1", [["a", "unknown-epoch"]]],
  [
    "that is nonsense is told for all",
    "17",
    [
      ["a", "unknown-epoch"],
      ["b", "unknown-epoch"],
    ],
  ],
  [
    "that is too long is told for all",
    `<a>.1~<b>.1${"~aaaaaaaa.1".repeat(100)}`,
    [
      ["a", "unknown-epoch"],
      ["b", "unknown-epoch"],
    ],
  ],
  ["that matches none is passed over where all found one", "aaaaaaaa.1~<b>.1~<a>.1", []],
])("a set %s", async (_, id, resets) => {
  const a = await append("a", 1, 2);
  const b = await append("b", 1, 2);
  await close("a", "b");
  const [ea = "", eb = ""] = [a.split(".")[0], b.split(".")[0]];
  const body = await (await at(id.replaceAll("<a>", ea).replaceAll("<b>", eb))).text();
  const epochs: Record<string, string> = { a: ea, b: eb };
  expect(said(body, "stream-reset")).toEqual(
    resets.map(([stream = "", reason]) => ({ stream, reason, from: `${epochs[stream]}.0` })),
  );
  const isReset = (stream: string) => resets.some(([name]) => name === stream);
  expect(events(body)).toEqual(
    ["a", "b"].flatMap((stream) => (isReset(stream) ? [`${stream}1`, `${stream}2`] : [`${stream}2`])),
  );
});

test("a stream that was deleted and has not come again is reset, so that its reader drops what it had", async () => {
  const a = await append("a", 1);
  const b = await append("b", 1);
  await app.send("DELETE", "/v1/streams/a", {});
  const body = readUntil(await at(`${a}~${b}`), '"event":{"n":2}');
  await append("a", 2);
  expect(said(await body, "stream-reset")).toEqual([{ stream: "a", reason: "unknown-epoch" }]);
  expect(events(await body)).toEqual(["a2"]);
});

test("a cursor below what is kept is told that it was trimmed", async () => {
  await app.send("PUT", "/v1/streams/a", { kind: "log", retention: { maxEvents: 2 } });
  const a = await append("a", 1, 2, 3, 4, 5);
  await append("a", 6);
  const b = await append("b", 1);
  await close("a", "b");
  const body = await (await at(`${a.split(".")[0]}.1~${b}`)).text();
  expect(said(body, "stream-reset")).toEqual([
    { stream: "a", reason: "trimmed", from: `${a.split(".")[0]}.4` },
  ]);
  expect(events(body)).toEqual(["a5", "a6"]);
});

test("204 if and only if all are closed and the cursors stand at the closing offsets", async () => {
  const a = await append("a", 1, 2);
  const b = await append("b", 1);
  await close("a");
  const one = await readUntil(await at(`${a}~${b}`), "stream-end");
  expect(said(one, "stream-end")).toEqual([{ stream: "a", reason: "closed" }]);
  expect(set(blocks(one).at(-1)?.["id"])).toEqual(set(`${a}~${b}`));
  await close("b");
  expect((await at(`${b}~${a}`)).status).toBe(204);
  expect((await at(`${b}~${a}~aaaaaaaa.1`)).status).toBe(204);
  expect((await at(a)).status).toBe(200);
  expect(events(await (await at(`${a.split(".")[0]}.1~${b}`)).text())).toEqual(["a2"]);
  expect((await at()).status).toBe(200);
});

test("a run that is unknown ends at once, and alone it is 204", async () => {
  const b = await append("b", 1);
  const url = "/v1/streams?stream=runs/unknown&stream=b";
  const body = await readUntil(await at(undefined, url), "caught-up");
  expect(said(body, "stream-end")).toEqual([{ stream: "runs/unknown", reason: "deleted" }]);
  expect(said(body, "stream-start")).toHaveLength(1);
  expect(events(body)).toEqual(["b1"]);
  await close("b");
  expect((await at(b, url)).status).toBe(204);
  expect((await at(undefined, "/v1/streams?stream=runs/unknown&stream=chats/unknown")).status).toBe(204);
});

test("deletion ends one stream, and the last one's the connection", async () => {
  await append("a", 1);
  await append("b", 1);
  let body = "";
  const reading = (async () => {
    const decoder = new TextDecoder();
    for await (const bytes of (await at()).body ?? []) body += decoder.decode(bytes, { stream: true });
  })();
  // What is deleted before it was read is not read.
  await expect.poll(() => events(body)).toEqual(["a1", "b1"]);
  await app.send("DELETE", "/v1/streams/a", {});
  await append("b", 2);
  await app.send("DELETE", "/v1/streams/b", {});
  await reading;
  expect(said(body, "stream-end")).toEqual([
    { stream: "a", reason: "deleted" },
    { stream: "b", reason: "deleted" },
  ]);
  expect(events(body)).toEqual(["a1", "b1", "b2"]);
});

test.each([
  ["no stream", "/v1/streams", "invalid-request"],
  [
    "33 streams",
    `/v1/streams?${Array.from({ length: 33 }, (_, n) => `stream=s${n}`).join("&")}`,
    "invalid-request",
  ],
  ["a name that is none", "/v1/streams?stream=a&stream=a//b", "invalid-name"],
  ["an empty name", "/v1/streams?stream=a&stream=", "invalid-name"],
  ["a cursor that is none", `${path}&after=17`, "invalid-cursor"],
  ["half a set", `${path}&after=aaaaaaaa.1~`, "invalid-cursor"],
])("%s is refused", async (_, url, code) => {
  const response = await at(undefined, url);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code } });
});

test("is events only: without Accept or live=1 it is refused, with live=1 it is served", async () => {
  const response = await app.ask(path);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({
    error: { code: "invalid-request", message: expect.stringContaining("live=1") as unknown },
  });
  const live = await app.ask(`${path}&live=1`);
  expect(live.status).toBe(200);
  await live.body?.cancel();
});

test("32 streams fit, a name that is listed twice counts once, and the id stays below 1,024 bytes", async () => {
  const names = Array.from({ length: 32 }, (_, n) => `s${n}`);
  for (const name of names) await append(name, 1);
  const url = `/v1/streams?${[...names, "s0"].map((name) => `stream=${name}`).join("&")}`;
  const response = await at(undefined, url);
  const body = readUntil(response, '"event":{"n":2}');
  await append("s31", 2);
  expect(events(await body)).toHaveLength(33);
  const id = blocks(await body).at(-1)?.["id"] ?? "";
  expect(new Set(set(id)).size).toBe(32);
  expect(id.length).toBeLessThanOrEqual(1_024);
  const again = readUntil(await at(id, url), '"event":{"n":3}');
  await append("s7", 3);
  expect(events(await again)).toEqual(["s73"]);
});

test("HEAD answers the headers and starts nothing", async () => {
  const head = await app.ask(path, { method: "HEAD", headers: EVENTS });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(await head.text()).toBe("");
  expect(app.server.readers).toBe(0);
});

test("is one reader, and gives the same bytes through the socket", async () => {
  const url = await app.server.listen(0);
  await append("a", 1, 2);
  await append("b", 1);
  const open = await fetch(url + path, { headers: EVENTS });
  expect(app.server.readers).toBe(1);
  await open.body?.cancel();
  await close("a", "b");
  expect(steady(await (await fetch(url + path, { headers: EVENTS })).text())).toBe(
    steady(await (await at()).text()),
  );
});

test("an EventSource reads them, comes back with the set where it was cut, and stops at 204", async () => {
  const url = await app.server.listen(0);
  await append("a", 1);
  await append("b", 1);
  const got: string[] = [];
  const ids: (string | null)[] = [];
  const source = new EventSource(url + path, {
    fetch: async (input, init) => {
      ids.push(new Headers(init.headers).get("last-event-id"));
      const response = await fetch(input, init);
      if (response.body === null) return response;
      const isFirst = ids.length === 1;
      // It shall not wait to come back, and the first connection is cut after its first data event.
      const cut = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          const text = new TextDecoder().decode(piece).replace(/^retry: \d+/m, "retry: 1");
          const event = isFirst ? text.indexOf('"event":{"n":1}') : -1;
          const end = event === -1 ? text.length : text.indexOf("\n\n", event) + 2;
          controller.enqueue(new TextEncoder().encode(text.slice(0, end)));
          if (event !== -1) controller.terminate();
        },
      });
      return new Response(response.body.pipeThrough(cut), response);
    },
  });
  await new Promise<void>((resolve) => {
    source.addEventListener("message", ({ data }) => {
      const { stream, event } = JSON.parse(data as string) as { stream: string; event: { n: number } };
      got.push(`${stream}${event.n}`);
      if (got.length === 1) void append("a", 2).then(() => close("a", "b"));
    });
    source.addEventListener("error", () => {
      if (source.readyState === source.CLOSED) resolve();
    });
  });
  expect(got.toSorted()).toEqual(["a1", "a2", "b1"]);
  expect(ids[0]).toBe(null);
  expect(ids[1]).toMatch(/^[0-9a-z]+\.[01]~[0-9a-z]+\.[01]$/);
});
