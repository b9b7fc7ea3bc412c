import { mkdtemp, rm } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createHandler } from "../../examples/mount-bun-deno.ts";
import { createApp as createExpress } from "../../examples/mount-express.ts";
import { createApp as createFastify } from "../../examples/mount-fastify.ts";
import { createApp as createHono } from "../../examples/mount-hono.ts";
import { createApp as createNode } from "../../examples/mount-node.ts";
import { toNodeHandler } from "../../src/server.ts";
import type { FetchFunction, Generation, MillraceServer, ServerOptions } from "../../src/server.ts";
import { EVENTS, readUntil } from "../support/app.ts";

async function* words(): Generation {
  yield await Promise.resolve("For Ann.");
}

interface Mounted {
  url: string;
  millrace: MillraceServer;
  close: () => Promise<void>;
}

const findUser = (cookie: string | null) => {
  const name = /session=(\w+)/.exec(cookie ?? "")?.[1];
  return name === undefined ? undefined : { name };
};
const SIGNED_IN = { cookie: "session=ann" };
const OPTIONS: ServerOptions = { log: "memory", isDev: true };

async function listen(server: Server, millrace: MillraceServer): Promise<Mounted> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    millrace,
    async close() {
      await millrace.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A server that has nothing but a web-standard handler, as those of Next, Bun and Deno. */
function listenWith(fetch: FetchFunction, millrace: MillraceServer): Promise<Mounted> {
  const handler = toNodeHandler(fetch);
  return listen(
    createHttpServer((request, response) => void handler(request, response)),
    millrace,
  );
}

/** What the file of a Next.js app exports, called by the method's name as Next does. */
async function mountNext(): Promise<Mounted> {
  const data = await mkdtemp(join(tmpdir(), "millrace-next-"));
  vi.stubEnv("MILLRACE_DATA", data);
  const route = await import("../../examples/mount-next.ts");
  const kept = globalThis as { millrace?: Promise<MillraceServer> }; // the example's own
  expect(kept.millrace).toBe(undefined);
  const call = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/millrace/")) return Response.json({ hello: "from Next" });
    const { method } = request;
    return route[method as "GET"](request); // those of HTTP that are exported
  };
  const handler = toNodeHandler(call);
  const server = createHttpServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on a port
  await fetch(`${url}/millrace/v1/models`, { headers: SIGNED_IN });
  const millrace = await kept.millrace;
  if (millrace === undefined) throw new Error("the first request made no server");
  return {
    url,
    millrace,
    async close() {
      await millrace.close();
      delete kept.millrace;
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(data, { recursive: true, force: true });
    },
  };
}

const MOUNTS: [name: string, mount: () => Promise<Mounted>][] = [
  [
    "Express",
    async () => {
      const { app, millrace } = await createExpress(findUser, OPTIONS);
      return listen(createHttpServer(app), millrace);
    },
  ],
  [
    "Fastify",
    async () => {
      const { app, millrace } = await createFastify(findUser, OPTIONS);
      const url = await app.listen({ port: 0, host: "127.0.0.1" });
      return { url, millrace, close: () => app.close() };
    },
  ],
  [
    "node:http",
    async () => {
      const { app, millrace } = await createNode(findUser, OPTIONS);
      return listen(app, millrace);
    },
  ],
  [
    "Hono",
    async () => {
      const { app, millrace } = await createHono(findUser, OPTIONS);
      return listenWith((request) => app.fetch(request), millrace);
    },
  ],
  ["the route handlers of a Next.js app", mountNext],
  [
    "a handler as Bun and Deno want one",
    async () => {
      const { handle, millrace } = await createHandler(OPTIONS);
      return listenWith((request) => handle(request), millrace);
    },
  ],
];

describe.each(MOUNTS)("under /millrace in %s", (_name, mount) => {
  let mounted: Mounted;
  beforeAll(async () => {
    mounted = await mount();
  });
  afterAll(() => mounted.close());

  const ask = (path: string, init: RequestInit = {}, headers: Record<string, string> = {}) =>
    fetch(mounted.url + path, { ...init, headers: { ...SIGNED_IN, ...headers } });
  const append = (stream: string, event: object) =>
    ask(
      `/millrace/v1/streams/${stream}`,
      { method: "POST", body: JSON.stringify(event) },
      { "content-type": "application/json" },
    );

  test("the app's own routes answer beside it", async () => {
    expect(await (await fetch(`${mounted.url}/hello`)).json()).toHaveProperty("hello");
  });

  test("the app's own authentication stands before it", async () => {
    const refused = await fetch(`${mounted.url}/millrace/v1/models`);
    expect(refused.status).toBe(401);
    expect((await ask("/millrace/v1/models")).status).toBe(200);
  });

  test("events are appended, read live, and read on from a cursor after a cut", async () => {
    expect((await append("scores", { n: 1 })).status).toBe(201);
    const live = await ask("/millrace/v1/streams/scores?live=1");
    expect(live.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
    // The reader is cut behind the first event.
    const seen = await readUntil(live, '{"n":1}\n');
    const cursor = /id: (.+)\ndata: \{"n":1\}/.exec(seen)?.[1] ?? "";
    await expect.poll(() => mounted.millrace.readers).toBe(0);
    await append("scores", { n: 2 });
    const resumed = await ask("/millrace/v1/streams/scores?live=1", {}, { "last-event-id": cursor });
    const rest = await readUntil(resumed, "stream-caught-up");
    expect([...rest.matchAll(/data: (\{"n".*)/g)].map(([, data]) => data)).toEqual(['{"n":2}']);
  });

  test("an answer streams, and what is wrong is said as ever", async () => {
    const answer = await ask("/millrace/stream?prompt=What+is+SSE&model=guide", {}, EVENTS);
    expect(await readUntil(answer, 'data: {"text":')).toContain("event: stream-start");
    const refused = await append("runs/forged", { n: 1 });
    expect(await refused.json()).toMatchObject({ error: { code: "reserved-name" } });
    const nothing = await ask("/millrace/nothing");
    expect(await nothing.json()).toMatchObject({ error: { code: "route-unknown" } });
  });

  test("what somebody has is theirs alone", async () => {
    const make = { method: "POST", body: "{}" };
    const made = await ask("/millrace/v1/chats", make, { "content-type": "application/json" });
    const { chat } = (await made.json()) as { chat: string };
    expect((await ask(`/millrace/v1/chats/${chat}`)).status).toBe(200);
    expect((await ask(`/millrace/v1/chats/${chat}`, {}, { cookie: "session=bob" })).status).toBe(404);
    const { run, ended } = await mounted.millrace.run(words(), { owner: "ann" });
    await ended;
    expect((await ask(`/millrace/v1/runs/${run}`)).status).toBe(200);
    expect((await ask(`/millrace/v1/runs/${run}`, {}, { cookie: "session=bob" })).status).toBe(404);
  });

  test("the interface's description says where it is, and its page is there", async () => {
    expect(await (await ask("/millrace/openapi.json")).json()).toMatchObject({
      servers: [{ url: "/millrace" }],
    });
    const page = await (await ask("/millrace/docs")).text();
    expect(page).toContain(`${mounted.url}/millrace/v1/streams/scores`);
    expect((await ask("/millrace/docs/api.css")).status).toBe(200);
  });
});

test.each(MOUNTS)("%s closes while somebody reads", async (_name, mount) => {
  const mounted = await mount();
  const live = await fetch(`${mounted.url}/millrace/v1/streams/scores?live=1`, { headers: SIGNED_IN });
  await mounted.close();
  // Ended, not cut: whoever reads comes back.
  expect(await live.text()).toContain("stream-start");
});
