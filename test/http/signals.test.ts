import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ERRORS } from "../../src/protocol/error.ts";
import type { ErrorCode } from "../../src/protocol/error.ts";
import { EVENTS, blocks, openBody, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

const WINDOW = "w".repeat(20);
const BROWSER = "b".repeat(20);

let app: TestServer;
beforeEach(async () => {
  app = await startApp();
});
afterEach(async () => {
  vi.useRealTimers();
  await app[Symbol.asyncDispose]();
});

function signal(body: object, stream = "tickets/42"): Promise<Response> {
  return app.send("POST", `/v1/signals/${stream}`, body);
}

async function ask(body: object): Promise<{ person: string; sender: string }> {
  const answer = await signal({ kind: "typing", ...body });
  return (await answer.json()) as { person: string; sender: string };
}

function listen(count: number): string {
  return Array.from({ length: count }, (_, n) => `listen=s${n}`).join("&");
}

/** A reader that has read what there was: who has not is not told what is said meanwhile. */
async function openLive(path: string) {
  const reader = openBody(await app.ask(path, { headers: EVENTS }));
  await reader.until(path.includes("listen") ? "\n\n" : "stream-caught-up");
  return reader;
}

/** The `signal` blocks of a body. */
function signals(body: string): Record<string, string>[] {
  return blocks(body).filter(({ event }) => event === "signal");
}

test("a signal reaches who reads the stream, alone or among others, has no id and is in no log", async () => {
  const paths = [
    "/v1/streams/tickets/42",
    "/v1/streams?stream=other&stream=tickets/42",
    "/v1/streams?listen=tickets/42",
  ];
  await app.send("POST", "/v1/streams/tickets/42", { n: 1 });
  const readers = await Promise.all(paths.map(openLive));
  const answer = await signal({ kind: "typing", window: WINDOW, data: { role: "agent" } });
  expect(answer.status).toBe(202);
  const { person, sender } = (await answer.json()) as { person: string; sender: string };
  expect(person).toBe("local");
  expect(sender).toMatch(/^local\.[0-9a-f]{16}$/);
  for (const reader of readers) {
    const [block] = signals(await reader.until("event: signal"));
    expect(block).not.toHaveProperty("id");
    expect(JSON.parse(block?.["data"] ?? "")).toEqual({
      stream: "tickets/42",
      kind: "typing",
      person,
      sender,
      ttlMs: 5_750,
      data: { role: "agent" },
    });
  }
  const page = (await (await app.ask("/v1/streams/tickets/42")).json()) as { events: unknown[] };
  expect(page.events).toHaveLength(1);
  const late = readUntil(await app.ask(paths[0] ?? "", { headers: EVENTS }), "stream-caught-up");
  expect(signals(await late)).toEqual([]);
});

test("who reads a chat is told who types in it; what is said so is no event of it", async () => {
  const { chat } = (await (await app.send("POST", "/v1/chats", {})).json()) as { chat: string };
  const reader = await openLive(`/v1/streams/chats/${chat}`);
  expect((await signal({ kind: "message-end", data: { run: "x" } }, `chats/${chat}`)).status).toBe(202);
  const [block] = signals(await reader.until("event: signal"));
  expect(JSON.parse(block?.["data"] ?? "")).toMatchObject({ stream: `chats/${chat}`, person: "local" });
  expect(block).not.toHaveProperty("id");
  const { messages } = (await (await app.ask(`/v1/chats/${chat}`)).json()) as { messages: unknown[] };
  expect(messages).toEqual([]);
  await app.ask(`/v1/chats/${chat}`, { method: "DELETE" });
  expect((await signal({ kind: "typing" }, `chats/${chat}`)).status).toBe(410);
});

test("a stream need not exist to have readers who are told", async () => {
  const reader = await app.ask("/v1/streams/nobody/wrote", { headers: EVENTS });
  const heard = readUntil(reader, "event: signal");
  await signal({ kind: "typing" }, "nobody/wrote");
  expect(signals(await heard)).toHaveLength(1);
  expect((await app.ask("/v1/streams/nobody/wrote")).status).toBe(404);
});

test("windows and browsers are told apart by what nobody can send as", async () => {
  const one = await ask({ window: WINDOW, browser: BROWSER });
  const other = await ask({ window: "x".repeat(20), browser: BROWSER });
  expect(other.person).toBe(one.person);
  expect(other.sender).not.toBe(one.sender);
  expect(JSON.stringify([one, other])).not.toMatch(/wwww|bbbb/);
  // What was told of the first is no secret of it.
  const forged = await ask({ window: one.sender.replaceAll(".", "_"), browser: BROWSER });
  expect(forged.sender).not.toBe(one.sender);
  expect(await ask({})).toEqual({ person: "local", sender: "local" });
});

test("one passes each second, and a stop always", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  expect((await signal({ kind: "typing" })).status).toBe(202);
  const second = await signal({ kind: "typing" });
  expect(second.status).toBe(429);
  expect(second.headers.get("retry-after")).toBe("2");
  expect((await signal({ kind: "typing", stop: true })).status).toBe(202);
});

const CASES: [what: string, code: ErrorCode, body: string, stream?: string][] = [
  ["a signal of 1 MB", "body-too-large", JSON.stringify({ kind: "typing", data: { x: "x".repeat(1e6) } })],
  ["a forged person", "invalid-request", '{"kind":"typing","person":"admin"}'],
  ["a forged sender", "invalid-request", '{"kind":"typing","sender":"local.0123456789abcdef"}'],
  ["no kind", "invalid-request", "{}"],
  ["a kind with a line break", "invalid-request", '{"kind":"typing\\nid: 7"}'],
  ["a kind without an end", "invalid-request", JSON.stringify({ kind: "k".repeat(33) })],
  ["data that is no object", "invalid-request", '{"kind":"typing","data":[1]}'],
  ["a secret that is a guess", "invalid-request", '{"kind":"typing","window":"1"}'],
  ["no JSON", "invalid-json", "typing"],
  ["an array", "invalid-request", '[{"kind":"typing"}]'],
  ["a bad name", "invalid-name", '{"kind":"typing"}', "a//b"],
  ["a reserved name", "reserved-name", '{"kind":"typing"}', "sys/ops"],
  ["a run", "reserved-name", '{"kind":"typing"}', "runs/abcdefgh"],
  ["a chat that nobody made", "chat-unknown", '{"kind":"typing"}', "chats/abcdefgh"],
  ["what is below a chat", "reserved-name", '{"kind":"typing"}', "chats/abcdefgh/x"],
];

test.each(CASES)("%s is refused: %s", async (_, code, body, stream = "tickets/42") => {
  const response = await app.send("POST", `/v1/signals/${stream}`, body);
  expect(response.status).toBe(ERRORS[code].status);
  expect(await response.json()).toEqual({
    error: { code, message: expect.any(String), retryable: ERRORS[code].retryable },
  });
});

test("a body that does not say its length, and has no end, is cut at the bound", async () => {
  let sent = 0;
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      sent += 1_024;
      controller.enqueue(new Uint8Array(1_024).fill(32));
    },
  });
  const headers = { "content-type": "application/json" };
  const init: RequestInit & { duplex: "half" } = { method: "POST", headers, body, duplex: "half" };
  const response = await app.ask("/v1/signals/a", init);
  expect(response.status).toBe(413);
  expect(sent).toBeLessThan(20_000);
});

test("listening has bounds like reading, and its names are names", async () => {
  for (const query of [listen(33), "listen=a//b", ""]) {
    expect((await app.ask(`/v1/streams?${query}`, { headers: EVENTS })).status, query).toBe(400);
  }
  const response = await app.ask(`/v1/streams?${listen(32)}`, { headers: EVENTS });
  expect(response.status).toBe(200);
  await response.body?.cancel();
});

test("with nothing left to read who listens stays", async () => {
  const closed = await app.send("POST", "/v1/streams/a?close=true", { n: 1 });
  const { cursor } = (await closed.json()) as { cursor: string };
  const headers = { ...EVENTS, "last-event-id": cursor };
  expect((await app.ask("/v1/streams?stream=a", { headers })).status).toBe(204);
  const response = await app.ask("/v1/streams?stream=a&listen=b", { headers });
  expect(response.status).toBe(200);
  const heard = readUntil(response, "event: signal");
  await signal({ kind: "typing" }, "b");
  expect(signals(await heard)).toHaveLength(1);
});
