// It is loaded when it is first needed; with a clock that is held, that would be never.
import "../../src/client/leases.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Told } from "../../src/client/index.ts";
import { createSourceServer, pass } from "../support/source-server.ts";
import type { SourceServer } from "../support/source-server.ts";

const BROWSER = "b".repeat(20);

let server: SourceServer;
let source: ReturnType<SourceServer["open"]>;
/** Presence that was posted. */
let posted: { path: string; body: Record<string, unknown>; at: number }[];
let startedAt: number;

beforeEach(() => {
  vi.useFakeTimers();
  startedAt = Date.now();
  posted = [];
  server = createSourceServer();
  const fetch: typeof globalThis.fetch = (input, init) => {
    const path = input instanceof Request ? input.url : input.toString();
    if (init?.method !== "POST") return server.pages.fetch(input, init);
    posted.push({
      path,
      body: JSON.parse(init.body as string) as Record<string, unknown>,
      at: Date.now() - startedAt,
    });
    return Promise.resolve(Response.json({ person: "me", renewMs: 20_000, stream: "desk", count: 1 }));
  };
  source = server.open({ browser: BROWSER, fetch });
});
afterEach(() => {
  source.close();
  vi.useRealTimers();
});

function hear(stream: string): { told: Told[]; stop: () => void } {
  const told: Told[] = [];
  return { told, stop: source.listen(stream, (one) => told.push(one)) };
}

const listens = () => server.transport.living().map(({ url }) => url.searchParams.getAll("listen").length);
const asked = () => server.transport.last.url.searchParams;

test("listens beside what is followed, over the same connection, which names its browser", async () => {
  source.hear("a");
  const { told } = hear("desk");
  await pass(10);
  expect(server.transport.attempts).toHaveLength(1);
  expect(asked().getAll("stream")).toEqual(["a"]);
  expect(asked().getAll("listen")).toEqual(["desk"]);
  expect(asked().get("browser")).toBe(BROWSER);
  server.transport.last.onOpen();
  server.transport.last.say("signal", { stream: "desk", kind: "typing" });
  server.transport.last.say("presence", { stream: "other", count: 3 });
  expect(told).toEqual([{ event: "signal", data: { stream: "desk", kind: "typing" } }]);
});

test("who only follows names no browser, and who listens alone needs no stream", async () => {
  const { stop } = source.hear("a");
  await pass(10);
  expect(asked().has("browser")).toBe(false);
  stop();
  const { stop: stopListening } = hear("desk");
  await pass(10);
  expect(asked().getAll("stream")).toEqual([]);
  stopListening();
  await pass(10);
  expect(server.transport.living()).toEqual([]);
  expect(source.connection.status).toBe("idle");
});

test("33 that are listened to take two connections, and each stays on its own", async () => {
  const all = Array.from({ length: 33 }, (_, n) => hear(`s${n}`));
  await pass(10);
  expect(listens()).toEqual([32, 1]);
  all[0]?.stop();
  await pass(10);
  expect(listens().toSorted((a, b) => a - b)).toEqual([1, 31]);
});

test("a browser that is present says so at once, each 20 s and at each opening, and says when it leaves", async () => {
  const stop = source.attend({ stream: "desk", data: { name: "Ada" } });
  await pass(10);
  expect(posted).toEqual([
    { path: "/v1/presence/desk", body: { browser: BROWSER, data: { name: "Ada" } }, at: 10 },
  ]);
  expect(asked().getAll("listen")).toEqual(["desk"]);
  await pass(90);
  server.transport.last.onOpen();
  await pass(39_900);
  expect(posted.map(({ at }) => at)).toEqual([10, 100, 20_100]);
  stop();
  await pass(1_010);
  expect(posted.at(-1)?.body).toEqual({ browser: BROWSER, leave: true });
  const count = posted.length;
  await pass(60_000);
  expect(posted).toHaveLength(count);
});

test("who leaves and comes back at once has not left", async () => {
  source.attend({ stream: "desk" })();
  const stop = source.attend({ stream: "desk" });
  await pass(10);
  expect(posted).toHaveLength(1);
  stop();
  await pass(20);
  source.attend({ stream: "desk" });
  await pass(5_000);
  expect(posted.map(({ body }) => body["leave"] ?? false)).toEqual([false, false]);
});

test("of several that are present in one stream the latest holds, and the last that leaves ends it", async () => {
  const first = source.attend({ stream: "desk", data: { name: "Ada" } });
  await pass(10);
  const second = source.attend({ stream: "desk", data: { name: "Ada L." } });
  await pass(10);
  second();
  await pass(10);
  expect(posted.map(({ body }) => body["data"])).toEqual([
    { name: "Ada" },
    { name: "Ada L." },
    { name: "Ada" },
  ]);
  first();
  await pass(1_010);
  expect(posted.at(-1)?.body["leave"]).toBe(true);
});

test("the answer tells who is here, and a ping renews where timers are slow", async () => {
  const { told } = hear("desk");
  source.attend({ stream: "desk" });
  await pass(10);
  server.transport.last.onOpen();
  expect(told[0]).toMatchObject({ event: "presence", data: { count: 1, person: "me" } });
  const before = posted.length;
  vi.setSystemTime(Date.now() + 21_000); // its timers did not ring
  server.transport.last.say("ping", {});
  expect(posted).toHaveLength(before + 1);
});
