import type { Hono } from "hono";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { StreamName } from "../../../src/protocol/names.ts";
import { EVENTS, startApp } from "../../support/app.ts";
import type { TestServer } from "../../support/app.ts";
import { createTestKeys } from "../../support/keys.ts";

const made = vi.hoisted((): { app?: Hono } => ({}));

// The app as `createServer` wires it, so that no route can be added past this test.
vi.mock(import("../../../src/http/app.ts"), async (importOriginal) => {
  const original = await importOriginal();
  return { ...original, createApp: (options) => (made.app = original.createApp(options)) };
});

/** Who asks. `nobody` brings nothing, `forger` a key that is none, `bare` a key without scopes, `ticket` a ticket for the streams under
 *  `open/`, which the reader got. The chat and the run are Ada's. */
const PRINCIPALS = ["nobody", "forger", "bare", "reader", "writer", "ticket", "ada", "bob", "admin"] as const;
type Who = (typeof PRINCIPALS)[number];

/** A request, in which `{stream}` is a stream under `open/` of its own, `{chat}` and `{run}` are of Ada's. */
interface Asked {
  path?: string;
  body?: unknown;
  headers?: Record<string, string>;
}

type Row = Asked & { status: Record<Who, number> | number };

const MESSAGE = { model: "told", messages: [{ role: "user", content: "hi" }] };

/** What each principal gets, in the order of `PRINCIPALS`. */
function rights(...status: number[]): Record<Who, number> {
  expect(status).toHaveLength(PRINCIPALS.length);
  return Object.fromEntries(PRINCIPALS.map((who, index) => [who, status[index]])) as Record<Who, number>; // each has one
}

/** Each route, by its method and its path as Hono knows it. A number: for everybody. */
const MATRIX: Record<string, Row | Row[]> = {
  "GET /healthz": { status: 200 },
  "GET /readyz": { status: 200 },
  "GET /openapi.json": { status: 200 },
  "GET /docs": { status: 200 },
  "GET /docs/api.css": { status: 200 },
  "GET /v1/session": { status: 200 },
  // Whoever signs in is known by what the body brings.
  "POST /v1/session": { body: { key: "mr_wrong" }, status: 401 },
  "DELETE /v1/session": { status: 204 },
  "POST /v1/tickets": [
    { body: { streams: ["{stream}"] }, status: rights(401, 401, 403, 201, 403, 401, 403, 403, 201) },
    { body: { streams: ["chats/{chat}"] }, status: rights(401, 401, 404, 404, 404, 401, 201, 404, 201) },
  ],
  "GET /v1/export": {
    path: "/v1/export?stream=none",
    status: rights(401, 401, 403, 403, 403, 401, 403, 403, 200),
  },
  "POST /v1/import": {
    headers: { "content-type": "application/x-ndjson" },
    status: rights(401, 401, 403, 403, 403, 401, 403, 403, 200),
  },
  "GET /v1/streams": [
    {
      path: "/v1/streams?stream={stream}",
      headers: EVENTS,
      status: rights(401, 401, 403, 200, 403, 200, 403, 403, 200),
    },
    // A name of the server's that is not theirs is one that does not exist: nothing is left to read.
    {
      path: "/v1/streams?stream=chats/{chat}",
      headers: EVENTS,
      status: rights(401, 401, 204, 204, 204, 204, 200, 204, 200),
    },
    {
      path: "/v1/streams?listen={stream}",
      headers: EVENTS,
      status: rights(401, 401, 403, 200, 403, 200, 403, 403, 200),
    },
  ],
  "PUT /v1/streams/*": {
    path: "/v1/streams/{stream}",
    body: { kind: "log" },
    status: rights(401, 401, 403, 403, 200, 401, 403, 403, 200),
  },
  "POST /v1/streams/*": [
    { path: "/v1/streams/{stream}", body: {}, status: rights(401, 401, 403, 403, 201, 401, 403, 403, 201) },
    {
      path: "/v1/streams/{stream}?close=true",
      body: [],
      status: rights(401, 401, 403, 403, 403, 401, 403, 403, 201),
    },
    {
      path: "/v1/streams/chats/{chat}",
      body: {},
      status: rights(401, 401, 403, 403, 403, 401, 403, 403, 403),
    },
  ],
  "DELETE /v1/streams/*": {
    path: "/v1/streams/{stream}",
    status: rights(401, 401, 403, 403, 403, 401, 403, 403, 204),
  },
  "GET /v1/streams/*": [
    { path: "/v1/streams/{stream}", status: rights(401, 401, 403, 200, 403, 200, 403, 403, 200) },
    {
      path: "/v1/streams/{stream}",
      headers: EVENTS,
      status: rights(401, 401, 403, 200, 403, 200, 403, 403, 200),
    },
    { path: "/v1/streams/chats/{chat}", status: rights(401, 401, 404, 404, 404, 404, 200, 404, 200) },
    {
      path: "/v1/streams/chats/{chat}",
      headers: EVENTS,
      status: rights(401, 401, 204, 204, 204, 204, 200, 204, 200),
    },
    { path: "/v1/streams/runs/{run}", status: rights(401, 401, 404, 404, 404, 404, 200, 404, 200) },
    { path: "/v1/streams/people/ada/chats", status: rights(401, 401, 404, 404, 404, 404, 200, 404, 200) },
    { path: "/v1/streams/sys/server", status: rights(401, 401, 403, 403, 403, 403, 403, 403, 404) },
  ],
  "POST /v1/signals/*": [
    {
      path: "/v1/signals/{stream}",
      body: { kind: "typing" },
      status: rights(401, 401, 403, 202, 403, 401, 403, 403, 202),
    },
    {
      path: "/v1/signals/chats/{chat}",
      body: { kind: "typing" },
      status: rights(401, 401, 404, 404, 404, 401, 202, 404, 404),
    },
  ],
  "POST /v1/presence/*": [
    { path: "/v1/presence/{stream}", body: {}, status: rights(401, 401, 403, 200, 403, 401, 403, 403, 200) },
    {
      path: "/v1/presence/chats/{chat}",
      body: {},
      status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404),
    },
  ],
  "GET /v1/presence/*": [
    { path: "/v1/presence/{stream}", status: rights(401, 401, 403, 200, 403, 401, 403, 403, 200) },
    { path: "/v1/presence/chats/{chat}", status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404) },
    { path: "/v1/presence/runs/{run}", status: rights(401, 401, 404, 404, 404, 401, 200, 404, 200) },
  ],
  "POST /v1/chats": { body: {}, status: rights(401, 401, 403, 403, 403, 401, 201, 201, 201) },
  "GET /v1/chats": { status: rights(401, 401, 200, 200, 200, 401, 200, 200, 200) },
  "GET /v1/chats/:chat": {
    path: "/v1/chats/{chat}",
    status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404),
  },
  "PATCH /v1/chats/:chat": {
    path: "/v1/chats/{chat}",
    body: { title: "x" },
    status: rights(401, 401, 404, 404, 404, 401, 204, 404, 404),
  },
  "DELETE /v1/chats/:chat": {
    path: "/v1/chats/{chat}",
    status: rights(401, 401, 404, 404, 404, 401, 204, 404, 404),
  },
  "POST /v1/chats/:chat/messages": {
    path: "/v1/chats/{chat}/messages",
    body: { text: "hi" },
    status: rights(401, 401, 403, 403, 403, 401, 202, 404, 404),
  },
  "POST /v1/chats/:chat/regenerate": {
    path: "/v1/chats/{chat}/regenerate",
    body: {},
    status: rights(401, 401, 403, 403, 403, 401, 202, 404, 404),
  },
  "POST /v1/chats/:chat/continue": {
    path: "/v1/chats/{chat}/continue",
    body: {},
    status: rights(401, 401, 403, 403, 403, 401, 202, 404, 404),
  },
  "POST /v1/chats/:chat/stop": {
    path: "/v1/chats/{chat}/stop",
    body: {},
    status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404),
  },
  "POST /v1/chats/:chat/tools/:call": {
    path: "/v1/chats/{chat}/tools/unknown00",
    body: { approved: true },
    status: rights(401, 401, 404, 404, 404, 401, 404, 404, 404),
  },
  "POST /v1/runs": {
    body: { prompt: "hi", model: "told" },
    status: rights(401, 401, 403, 403, 403, 401, 202, 202, 202),
  },
  "GET /v1/runs/:run": {
    path: "/v1/runs/{run}",
    status: rights(401, 401, 404, 404, 404, 401, 200, 404, 200),
  },
  "POST /v1/runs/:run/stop": {
    path: "/v1/runs/{run}/stop",
    body: {},
    status: rights(401, 401, 404, 404, 404, 401, 200, 404, 200),
  },
  "GET /metrics": { status: rights(401, 401, 403, 403, 403, 401, 403, 403, 200) },
  "POST /v1/reports": { body: { gaps: 1 }, status: rights(401, 401, 204, 204, 204, 401, 204, 204, 204) },
  "GET /v1/inspect": { status: rights(401, 401, 403, 403, 403, 401, 403, 403, 200) },
  "GET /v1/inspect/streams/*": {
    path: "/v1/inspect/streams/open/one",
    status: rights(401, 401, 403, 403, 403, 401, 403, 403, 200),
  },
  "POST /v1/inspect/readers/:id/cut": {
    path: "/v1/inspect/readers/999999/cut",
    status: rights(401, 401, 403, 403, 403, 401, 403, 403, 404),
  },
  "GET /v1/models": { status: rights(401, 401, 200, 200, 200, 401, 200, 200, 200) },
  "GET /v1/models/:id{.+}": {
    path: "/v1/models/told",
    status: rights(401, 401, 200, 200, 200, 401, 200, 200, 200),
  },
  "POST /v1/chat/completions": {
    body: MESSAGE,
    status: rights(401, 401, 403, 403, 403, 401, 200, 200, 200),
  },
  // A chat that is not theirs they make: it has their own name for it.
  "POST /api/chat": {
    body: { id: "{chat}", model: "told", message: { role: "user", parts: [{ type: "text", text: "hi" }] } },
    status: rights(401, 401, 403, 403, 403, 401, 200, 200, 200),
  },
  "GET /api/chat/:id": [{}, EVENTS].map((headers) => ({
    path: "/api/chat/{chat}",
    headers,
    status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404),
  })),
  "GET /api/chat/:id/stream": {
    path: "/api/chat/{chat}/stream",
    status: rights(401, 401, 404, 404, 404, 401, 204, 404, 404),
  },
  "POST /api/chat/:id/stop": [
    {
      path: "/api/chat/{chat}/stop",
      body: {},
      status: rights(401, 401, 404, 404, 404, 401, 200, 404, 404),
    },
    // Of a start that has not arrived: the chat is made.
    {
      path: "/api/chat/Not-made-yet/stop",
      body: { key: "k" },
      status: rights(401, 401, 403, 403, 403, 401, 202, 202, 202),
    },
  ],
  // What is refused is said in the stream: see below.
  "GET /stream": { path: "/stream?prompt=hi&model=told", headers: EVENTS, status: 200 },
};

let app: TestServer;
let count = 0;
const keys: Partial<Record<Who, string>> = {};

beforeAll(async () => {
  const store = createTestKeys();
  // The table starts more runs within a minute than a person may.
  app = await startApp({ auth: { keys: store }, limits: { runsPerMinute: 0, openRuns: 0 } });
  const read = ["read:open/*", "signal:open/*"] as const;
  Object.assign(keys, {
    forger: `mr_aaaaaaaaaaaa_${"A".repeat(43)}`,
    bare: await store.make({ person: "bare", scopes: [] }),
    reader: await store.make({ person: "reader", scopes: read }),
    writer: await store.make({ person: "writer", scopes: ["append:open/*"] }),
    ada: await store.make({ person: "ada", scopes: ["run"] }),
    bob: await store.make({ person: "bob", scopes: ["run"] }),
    admin: await store.make({ person: "root", scopes: ["admin"] }),
  });
});
afterAll(() => app[Symbol.asyncDispose]());

async function ask(who: Who, route: string, { path, body, headers }: Asked): Promise<Response> {
  const [method = "", route_ = ""] = route.split(" ");
  const stream = `open/s${count++}`;
  await app.server.log.create(stream as StreamName, { kind: "log" });
  const wanted = `${path ?? route_}${JSON.stringify(body) ?? ""}`;
  const chat = wanted.includes("{chat}") ? await makeChat() : "";
  const run = wanted.includes("{run}") ? await makeRun() : "";
  const fill = (text: string) =>
    text.replaceAll("{stream}", stream).replaceAll("{chat}", chat).replaceAll("{run}", run);
  let address = fill(path ?? route_);
  if (who === "ticket") address += `${address.includes("?") ? "&" : "?"}ticket=${await getTicket(stream)}`;
  return app.ask(address, {
    method,
    headers: { "content-type": "application/json", ...headers, ...authorization(who) },
    ...(body !== undefined && { body: fill(JSON.stringify(body)) }),
  });
}

function authorization(who: Who): Record<string, string> {
  const key = keys[who];
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

async function post(path: string, who: Who, body: object): Promise<Record<string, string>> {
  const response = await app.send("POST", path, body, authorization(who));
  expect(response.ok).toBe(true);
  return (await response.json()) as Record<string, string>;
}

async function getTicket(stream: string): Promise<string> {
  return (await post("/v1/tickets", "reader", { streams: [stream] }))["ticket"] ?? "";
}

/** Ada's, with an answer that has ended. */
async function makeChat(): Promise<string> {
  const { chat = "" } = await post("/v1/chats", "ada", {});
  const { stream = "" } = await post(`/v1/chats/${chat}/messages`, "ada", { text: "hi", model: "told" });
  await vi.waitFor(async () => {
    const page = await app.server.log.read(stream as StreamName, 0);
    expect(JSON.stringify(page)).toContain("message-end");
  });
  return chat;
}

async function makeRun(): Promise<string> {
  return (await post("/v1/runs", "ada", { prompt: "hi", model: "told" }))["run"] ?? "";
}

test("each route is in the matrix, and each row of it is a route", () => {
  const routes = (made.app?.routes ?? []).filter(({ method }) => method !== "ALL");
  const there = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  const missing = [...there].filter((route) => !(route in MATRIX));
  const gone = Object.keys(MATRIX).filter((route) => !there.has(route));
  const advice = "Say in the table who may: each principal's status.";
  expect({ missing, gone, advice }).toEqual({ missing: [], gone: [], advice });
});

describe.each(Object.entries(MATRIX))("%s", (route, given) => {
  const rows = Array.isArray(given) ? given : [given];
  test.each(PRINCIPALS)("for %s", async (who) => {
    for (const row of rows) {
      const response = await ask(who, route, row);
      const body = response.headers.get("content-type")?.includes("json") ? await response.text() : "";
      if (response.body?.locked === false) await response.body.cancel();
      const wanted = typeof row.status === "number" ? row.status : row.status[who];
      expect({ path: row.path, status: response.status, body }).toEqual({
        path: row.path,
        status: wanted,
        body,
      });
    }
  });
});

test.each(PRINCIPALS)("/stream starts a run for who may, and says in the stream why not: %s", async (who) => {
  const response = await ask(who, "GET /stream", {
    path: "/stream?prompt=hello&model=told",
    headers: EVENTS,
  });
  const text = await response.text();
  const code = /"code":"([a-z-]+)"/.exec(text)?.[1];
  const wanted = { nobody: "unauthorized", forger: "unauthorized", ticket: "unauthorized" }[who as string];
  const mayRun = who === "ada" || who === "bob" || who === "admin";
  expect(code).toBe(mayRun ? undefined : (wanted ?? "forbidden"));
  expect(text.includes('"reason":"stop"')).toBe(mayRun);
});
