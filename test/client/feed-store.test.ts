import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createFeedStore, createStreamStateStore } from "../../src/client/feed-store.ts";
import { createSourceServer, pass } from "../support/source-server.ts";
import type { SourceServer } from "../support/source-server.ts";

const A = "aaaaaaaa";

interface Score {
  n: number;
  key: string;
}

let server: SourceServer;
/** What waits for the frame of the screen. */
let frames: (() => void)[];
const schedule = (show: () => void) => void frames.push(show);
const frame = () => frames.splice(0).forEach((show) => show());

beforeEach(() => {
  vi.useFakeTimers();
  frames = [];
  server = createSourceServer();
});
afterEach(() => vi.useRealTimers());

const caughtUp = (offset: number) =>
  server.transport.last.say("stream-caught-up", { stream: "a", cursor: `${A}.${offset}` }, `${A}.${offset}`);

test("a feed faster than the screen gives one notification per frame, and keeps what it is told to", async () => {
  const store = createFeedStore<Score>({ source: server.open(), stream: "a", limit: 50, schedule });
  const told = vi.fn();
  store.subscribe(told);
  await pass(10);
  server.begin("a", A, 0);
  caughtUp(0);
  frame();
  expect(told).toHaveBeenCalledTimes(1);
  for (let n = 1; n <= 20_000; n++) {
    server.event("a", n, `${A}.${n}`);
    if (n % 2_000 === 0) frame();
  }
  expect(told).toHaveBeenCalledTimes(11);
  const { events, received, status, cursor } = store.getSnapshot();
  expect(events.map(({ event }) => event.n)).toEqual(Array.from({ length: 50 }, (_, n) => 19_951 + n));
  expect({ received, status, cursor }).toEqual({ received: 20_000, status: "ready", cursor: `${A}.20000` });
});

test("what is shown is the same object until a frame in which something came", async () => {
  const store = createStreamStateStore<Score>({ source: server.open(), stream: "a", schedule });
  store.subscribe(() => {});
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`, { key: "m1" });
  caughtUp(1);
  const before = store.getSnapshot();
  expect(before.status).toBe("loading");
  frame();
  const shown = store.getSnapshot();
  expect([...shown.entries]).toEqual([["m1", { n: 1, key: "m1" }]]);
  server.event("a", 1, `${A}.1`, { key: "m1" });
  frame();
  expect(store.getSnapshot()).toBe(shown);
});

test("a reset drops what was folded, and says why", async () => {
  const store = createStreamStateStore<Score>({ source: server.open(), stream: "a", schedule, now: () => 7 });
  store.subscribe(() => {});
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`, { key: "gone" });
  caughtUp(1);
  frame();
  server.transport.last.say("stream-reset", { stream: "a", reason: "unknown-epoch", from: "bbbbbbbb.0" });
  server.event("a", 2, "bbbbbbbb.1", { key: "new" });
  server.transport.last.say("stream-caught-up", { stream: "a", cursor: "bbbbbbbb.1" }, "bbbbbbbb.1");
  frame();
  expect([...store.getSnapshot().entries.keys()]).toEqual(["new"]);
  expect(store.getSnapshot()).toMatchObject({ status: "ready", reset: { reason: "unknown-epoch", at: 7 } });
});

test("what came while the connection was away is counted, and shown as late", async () => {
  const store = createStreamStateStore<Score>({ source: server.open(), stream: "a", schedule, now: () => 9 });
  store.subscribe(() => {});
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`, { key: "m1" });
  caughtUp(1);
  frame();
  expect(store.getSnapshot().caughtUp).toBeUndefined();
  server.transport.last.onFailed({});
  await pass(1_000);
  server.begin("a", A, 1);
  server.event("a", 2, `${A}.2`, { key: "m1" });
  server.event("a", 4, `${A}.4`, { key: "m2" });
  caughtUp(4);
  frame();
  expect(store.getSnapshot().caughtUp).toEqual({ events: 2, at: 9 });
});

test("an end is shown, and an ended stream is not asked for again", async () => {
  const store = createFeedStore<Score>({ source: server.open(), stream: "a", schedule });
  const stop = store.subscribe(() => {});
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`);
  server.end("a", "closed");
  frame();
  expect(store.getSnapshot()).toMatchObject({ status: "ended", events: [{ event: { n: 1 } }] });
  stop();
  await pass(2_000);
  store.subscribe(() => {});
  await pass(10);
  expect(server.transport.attempts).toHaveLength(1);
});

test("a page that comes back goes on after what it has", async () => {
  const store = createFeedStore<Score>({ source: server.open(), stream: "a", schedule });
  const stop = store.subscribe(() => {});
  await pass(10);
  server.begin("a", A, 0);
  server.event("a", 1, `${A}.1`);
  stop();
  await pass(2_000);
  expect(server.transport.living()).toEqual([]);
  store.subscribe(() => {});
  await pass(10);
  expect(server.transport.last.cursors).toEqual([`${A}.1`]);
});
