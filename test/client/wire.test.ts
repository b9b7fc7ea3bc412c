import { afterEach, beforeEach, expect, it, vi } from "vitest";
import type { WireEvent } from "../../src/client/wire.ts";
import { EPOCH, startBrowser } from "../support/fake-browser.ts";
import { createSourceServer, pass } from "../support/source-server.ts";

const A = "aaaaaaaa";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

it("tells what comes over the wire, in order: asked, open, replayed, live, out of order, cut", async () => {
  const server = createSourceServer();
  const source = server.open();
  const events: WireEvent[] = [];
  const stop = source.onWire((event) => events.push(event));
  source.hear("a");
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`);
  server.transport.last.say("stream-caught-up", { stream: "a", cursor: `${A}.1` }, `${A}.1`);
  server.event("a", 2, `${A}.2`);
  server.event("a", 2, `${A}.2`);
  server.transport.last.say("ping", {}, `${A}.2`);
  server.event("a", 5, `${A}.5`);
  server.transport.last.onFailed({});
  const cutAt = Date.now();
  await pass(500);
  server.transport.last.onFailed({ status: 401 });
  stop();
  source.retry();
  const block = { type: "block", stream: "a" };
  expect(events).toMatchObject([
    { type: "request", url: "/v1/streams?stream=a&live=1" },
    { type: "open" },
    { ...block, event: "stream-start", id: `${A}.0` },
    { ...block, data: '{"stream":"a","event":{"n":1}}', id: `${A}.1`, isReplay: true, order: "next" },
    { ...block, event: "stream-caught-up", isReplay: true },
    { ...block, id: `${A}.2`, isReplay: false, order: "next" },
    { ...block, id: `${A}.2`, order: "known" },
    { type: "block", event: "ping", data: "{}", isReplay: false },
    { ...block, id: `${A}.5`, order: "hole" },
    { type: "cut" },
    { type: "request", url: `/v1/streams?stream=a&live=1&last_event_id=${A}.5` },
    { type: "cut", status: 401, message: "You are signed out. Sign in to go on." },
  ]);
  expect(events[9]).toHaveProperty("at", cutAt);
  expect(events[9]).toHaveProperty("retryAt", cutAt + 250);
  expect(events[7]).not.toHaveProperty("stream");
  source.close();
  expect(server.transport.living()).toEqual([]);
});

it("cuts the wire for as long as it is asked to, and comes back after its cursor", async () => {
  const server = createSourceServer();
  const source = server.open();
  const { ns } = source.hear("a");
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`);
  source.cut(4_000);
  expect(server.transport.living()).toEqual([]);
  expect(source.connection.status).toBe("reconnecting");
  await pass(3_900);
  expect(server.transport.living()).toEqual([]);
  await pass(200);
  expect(server.transport.last.cursors).toEqual([`${A}.1`]);
  server.begin("a", A, 1);
  server.event("a", 2, `${A}.2`);
  expect(ns()).toEqual([1, 2]);
  expect(source.counts).toEqual({ gaps: 0, doubles: 0, reconnects: 1 });
  source.close();
});

it("tells a tab that does not hold the connection, while it watches, and lets it cut", async () => {
  const browser = startBrowser();
  const [leader, other] = [browser.openTab(), browser.openTab()];
  await pass(0);
  leader.hear();
  other.hear();
  await pass(20);
  leader.accept();
  await pass(10);
  const wires = () => sent.filter(({ type }) => type === "wire").length;
  const sent: { type: string }[] = [];
  browser.network.passes = (message) => sent.push(message) > 0;
  browser.append();
  await pass(1);
  expect(wires()).toBe(0);

  const events: WireEvent[] = [];
  const stop = other.source.onWire((event) => events.push(event));
  await pass(1);
  browser.append();
  // It goes on for as long as it asks, which it does each second.
  await pass(5_000);
  browser.append();
  await pass(1);
  expect(events).toMatchObject([
    { type: "block", id: `${EPOCH}.2`, stream: "a", order: "next" },
    { type: "block", id: `${EPOCH}.3` },
  ]);
  other.source.cut(2_000);
  await pass(1);
  expect(leader.leads).toBe(false);
  expect(events.at(-1)).toMatchObject({ type: "cut" });
  await pass(2_500);
  leader.accept();
  stop();
  await pass(4_000);
  const before = wires();
  browser.append();
  await pass(1);
  expect(wires()).toBe(before);
  for (const { source } of browser.tabs) source.close();
  expect(vi.getTimerCount()).toBe(0);
});
