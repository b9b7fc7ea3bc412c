import { afterAll, beforeAll, expect, test } from "vitest";
import { ERRORS } from "../../src/protocol/error.ts";
import type { ErrorCode } from "../../src/protocol/error.ts";
import { EVENTS, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
beforeAll(async () => {
  app = await startApp({ allowedOrigins: ["https://friend.example"], allowedHosts: ["millrace.example"] });
  await app.send("POST", "/v1/streams/closed?close=true", { n: 1 });
  await app.send("PUT", "/v1/streams/board", { kind: "state" });
  await app.send("POST", "/v1/streams/open", { n: 1 });
});
afterAll(() => app[Symbol.asyncDispose]());

const json = { "content-type": "application/json" };
type Case = [what: string, code: ErrorCode, path: string, init?: RequestInit];

const post = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: "POST",
  headers: { ...json, ...headers },
  body,
});

const CASES: Case[] = [
  ["malformed JSON", "invalid-json", "/v1/streams/s", post('{"n":')],
  ["an empty body", "invalid-json", "/v1/streams/s", post("")],
  ["half a body of a run", "invalid-json", "/v1/runs", post('{"prompt":"x"')],
  ["an unknown field", "invalid-request", "/v1/runs", post('{"prompt":"x","modle":"told"}')],
  ["a wrong type", "invalid-request", "/v1/runs", post('{"prompt":7}')],
  ["an empty prompt", "invalid-request", "/v1/runs", post('{"prompt":""}')],
  ["a wrong kind", "invalid-request", "/v1/streams/s", { ...post('{"kind":"chat"}'), method: "PUT" }],
  [
    "an unknown retention",
    "invalid-request",
    "/v1/streams/s",
    { ...post('{"kind":"log","retention":{"days":3}}'), method: "PUT" },
  ],
  ["an event that is no object", "invalid-event", "/v1/streams/s", post('"hello"')],
  ["an event that is an array", "invalid-event", "/v1/streams/s", post("[[1]]")],
  ["no event", "invalid-request", "/v1/streams/s", post("[]")],
  [
    "1,001 events",
    "invalid-request",
    "/v1/streams/s",
    post(JSON.stringify(Array.from({ length: 1_001 }, () => ({})))),
  ],
  ["an event of a state stream without a key", "invalid-event", "/v1/streams/board", post('{"n":1}')],
  ["a key of 10 KB", "invalid-event", "/v1/streams/board", post(JSON.stringify({ key: "k".repeat(10_240) }))],
  [
    "an event that is too large",
    "event-too-large",
    "/v1/streams/s",
    post(JSON.stringify({ x: "x".repeat(262_145) })),
  ],
  [
    "a body that is too large",
    "body-too-large",
    "/v1/streams/s",
    post(JSON.stringify({ x: "x".repeat(4 * 1_048_576) })),
  ],
  ["a name with odd characters", "invalid-name", "/v1/streams/a%20b", post("{}")],
  ["a name with an escaped slash", "invalid-name", "/v1/streams/a%2Fb", post("{}")],
  ["a name with an empty segment", "invalid-name", "/v1/streams/a//b", post("{}")],
  ["a name of 10,000 characters", "invalid-name", `/v1/streams/${"a".repeat(10_000)}`, post("{}")],
  ["a name of nine segments", "invalid-name", "/v1/streams/1/2/3/4/5/6/7/8/9"],
  ["no name", "invalid-name", "/v1/streams/"],
  ["a forged end", "reserved-name", "/v1/streams/runs/x", post('{"type":"message-end"}')],
  ["a reserved name", "reserved-name", "/v1/streams/sys", { ...post('{"kind":"log"}'), method: "PUT" }],
  ["the deletion of a reserved name", "reserved-name", "/v1/streams/chats/1", { method: "DELETE" }],
  ["an append to a closed stream", "stream-closed", "/v1/streams/closed", post("{}")],
  ["a second close", "stream-closed", "/v1/streams/closed?close=true", post("[]")],
  ["another kind", "kind-conflict", "/v1/streams/open", { ...post('{"kind":"state"}'), method: "PUT" }],
  ["a cursor of nonsense", "invalid-cursor", "/v1/streams/open?after=yesterday"],
  ["an unknown stream", "stream-unknown", "/v1/streams/nowhere"],
  ["an unknown run", "run-unknown", "/v1/runs/nothing"],
  ["a stop of an unknown run", "run-unknown", "/v1/runs/nothing/stop", post("{}")],
  ["an odd run", "invalid-name", "/v1/runs/a%20b"],
  ["an unknown model", "unknown-model", "/v1/runs", post('{"prompt":"x","model":"tolt"}')],
  [
    "a key of 129 characters",
    "invalid-key",
    "/v1/streams/s",
    post("{}", { "idempotency-key": "k".repeat(129) }),
  ],
  ["a key with a space", "invalid-key", "/v1/runs", post('{"prompt":"x"}', { "idempotency-key": "a b" })],
  ["an unknown route", "route-unknown", "/v1/nothing"],
  [
    "a form",
    "content-type-refused",
    "/v1/streams/s",
    { method: "POST", body: new URLSearchParams({ n: "1" }) },
  ],
  [
    "text that is JSON",
    "content-type-refused",
    "/v1/runs",
    { method: "POST", headers: { "content-type": "text/plain" }, body: '{"prompt":"x"}' },
  ],
  ["a foreign host", "host-refused", "/v1/streams/s", { headers: { host: "evil.example" } }],
  [
    "a host that begins like loopback",
    "host-refused",
    "/v1/streams/s",
    { headers: { host: "127.0.0.1.evil.example:4000" } },
  ],
  ["a foreign origin", "origin-refused", "/v1/streams/s", post("{}", { origin: "https://evil.example" })],
  ["no origin at all", "origin-refused", "/v1/runs", post('{"prompt":"x"}', { origin: "null" })],
  ["curl that wants no events", "start-refused", "/stream?prompt=x"],
  ["a prefetch", "start-refused", "/stream?prompt=x", { headers: { ...EVENTS, "sec-purpose": "prefetch" } }],
  [
    "a page of another site",
    "start-refused",
    "/stream?prompt=x",
    { headers: { ...EVENTS, "sec-fetch-site": "cross-site", "sec-fetch-mode": "cors" } },
  ],
  [
    "an image of another site",
    "start-refused",
    "/stream?prompt=x",
    { headers: { "sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors" } },
  ],
  [
    "a foreign page that wants to start",
    "start-refused",
    "/stream?prompt=x",
    { headers: { ...EVENTS, origin: "https://evil.example" } },
  ],
];

test.each(CASES)("%s is refused: %s", async (_, code, path, init = {}) => {
  const response = await app.ask(path, init);
  expect(response.status).toBe(ERRORS[code].status);
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error).toEqual({ code, message: expect.any(String), retryable: ERRORS[code].retryable });
  expect(error.message, "a sentence that says what to do").toMatch(/^[A-Z"'0-9a-z/].{15,}[.:?]|body|JSON/s);
  expect(app.told.calls).toEqual([]);
});

test("HEAD of /stream answers the headers and starts nothing", async () => {
  const response = await app.ask("/stream?prompt=x", { method: "HEAD", headers: EVENTS });
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(app.told.calls).toEqual([]);
});

test("opening /stream in the address bar shows a page, whose policy lets only itself run", async () => {
  const response = await app.ask("/stream?prompt=x", {
    headers: { "sec-fetch-mode": "navigate", "sec-fetch-site": "none" },
  });
  expect(response.headers.get("content-type")).toContain("text/html");
  expect(response.headers.get("content-security-policy")).toContain("default-src 'none'");
  expect(await response.text()).toContain("new EventSource(location.href)");
  expect(app.told.calls).toEqual([]);
});

test("an allowed origin may read and append, and is answered by name", async () => {
  const headers = { origin: "https://friend.example" };
  const preflight = await app.ask("/v1/streams/open", { method: "OPTIONS", headers });
  expect(preflight.status).toBe(204);
  const response = await app.send("POST", "/v1/streams/open", { n: 2 }, headers);
  expect(response.status).toBe(201);
  for (const answer of [preflight, response]) {
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://friend.example");
    expect(answer.headers.get("vary")).toContain("Origin");
  }
  const read = await app.ask("/v1/streams/open", { headers: { origin: "https://evil.example" } });
  expect(read.headers.get("access-control-allow-origin")).toBeNull();
});

test("a configured host is ours, and so is each name of loopback", async () => {
  for (const host of ["millrace.example", "localhost:4000", "127.0.0.1:1", "[::1]:4000"]) {
    expect((await app.ask("/v1/models", { headers: { host } })).status).toBe(200);
  }
});
