import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub } from "../../src/hub/hub.ts";
import { severalFormat, streamFormat } from "../../src/http/stream-format.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { gate } from "../support/app.ts";
import { FakeSink } from "../support/fake-sink.ts";

const A = parseStreamName("a");
const B = parseStreamName("b");

let log: Log;
let hub: Hub;

beforeEach(async () => {
  log = createMemoryLog();
  await log.append(A, [{ data: '{"n":0}' }], { create: { kind: "log" } });
  hub = createHub(log);
});
afterEach(async () => {
  vi.useRealTimers();
  hub.close();
  await log.close();
});

async function read(sink = new FakeSink()): Promise<FakeSink> {
  await hub.subscribe({ stream: A, format: streamFormat, sink, from: { at: "now" } });
  return sink;
}

async function listen(...streams: (typeof A)[]): Promise<FakeSink> {
  const sink = new FakeSink();
  const listening = { streams, first: () => "", ping: "event: ping\ndata: {}\n\n" };
  await hub.subscribeSeveral({ streams: [], listening, sink });
  return sink;
}

function tell(text: string, stream = A, topic = text): void {
  hub.tell(stream, `signal ${topic}`, () => `event: told\ndata: ${text}\n\n`);
}

/** What a sink was told, in order. */
function told({ text }: FakeSink): string[] {
  return [...text.matchAll(/event: told\ndata: (.*)\n/g)].map(([, what = ""]) => what);
}

test("those who read a stream are told, alone, among others or only listening, from the same bytes", async () => {
  const alone = await read();
  const among = new FakeSink();
  const from = { at: "now" } as const;
  await hub.subscribeSeveral({
    streams: [B, A].map((stream) => ({ stream, format: severalFormat(stream), from })),
    sink: among,
  });
  const listening = await listen(A);
  const elsewhere = await listen(B);
  tell("hello");
  const all = [alone, among, listening];
  expect(all.map(told)).toEqual([["hello"], ["hello"], ["hello"]]);
  expect(told(elsewhere)).toEqual([]);
  expect(new Set(all.map(({ bundles }) => bundles.at(-1))).size).toBe(1);
});

test("readers of a format that is not told hear nothing", async () => {
  const sink = new FakeSink();
  const { isTold: _, ...format } = streamFormat;
  await hub.subscribe({ stream: A, format: { ...format, name: "quiet" }, sink, from: { at: "now" } });
  tell("hello");
  expect(told(sink)).toEqual([]);
});

test("a reader that is blocked loses what is told, and no event", async () => {
  const slow = await read();
  const healthy = await read();
  slow.isStuck = true;
  await log.append(A, [{ data: '{"n":1}' }]);
  await vi.waitFor(() => expect(slow.numbers).toEqual([1]));
  const before = slow.bundles.length;
  tell("lost");
  await log.append(A, [{ data: '{"n":2}' }]);
  await vi.waitFor(() => expect(healthy.numbers).toEqual([1, 2]));
  expect(told(healthy)).toEqual(["lost"]);
  expect(slow.bundles).toHaveLength(before);
  slow.isStuck = false;
  slow.drain();
  expect(slow.numbers).toEqual([1, 2]);
  expect(told(slow)).toEqual([]);
});

test("a reader that is read to from the log loses what is told meanwhile", async () => {
  const { opened, open } = gate();
  const slowLog: Log = { ...log, read: (...asked) => opened.then(() => log.read(...asked)) };
  hub.close();
  hub = createHub(slowLog);
  const sink = new FakeSink();
  await hub.subscribe({ stream: A, format: streamFormat, sink, from: { at: "start" } });
  tell("lost");
  open();
  await vi.waitFor(() => expect(sink.numbers).toEqual([0]));
  tell("heard");
  await vi.waitFor(() => expect(told(sink)).toEqual(["heard"]));
});

test("a reader whom a telling blocks is read to from its cursor like another", async () => {
  const sink = await read();
  sink.isStuck = true;
  tell("last");
  await log.append(A, [{ data: '{"n":1}' }]);
  expect(sink.numbers).toEqual([]);
  sink.isStuck = false;
  sink.drain();
  await vi.waitFor(() => expect(sink.numbers).toEqual([1]));
});

test("what comes within a moment is told together, of one topic the latest", async () => {
  vi.useFakeTimers();
  const sink = await listen(A);
  tell("1", A, "x");
  for (let n = 2; n <= 9; n++) tell(String(n), A, "x");
  tell("other");
  expect(told(sink)).toEqual(["1"]);
  vi.advanceTimersByTime(119);
  expect(told(sink)).toEqual(["1"]);
  vi.advanceTimersByTime(1);
  expect(told(sink)).toEqual(["1", "9", "other"]);
  expect(sink.bundles).toHaveLength(3);
});

test("of more than 64 signals that wait the last are lost, but never who is here", async () => {
  vi.useFakeTimers();
  const sink = await listen(A);
  tell("first");
  for (let n = 1; n <= 100; n++) tell(String(n));
  hub.tell(A, "presence", () => "event: told\ndata: here\n\n");
  vi.advanceTimersByTime(120);
  expect(told(sink)).toEqual(["first", "here", ...Array.from({ length: 64 }, (_, n) => String(n + 1))]);
});

test("what is told at once is bounded", async () => {
  vi.useFakeTimers();
  const sink = await listen(A);
  tell("first");
  for (let n = 0; n < 60; n++) tell(`${n} ${"x".repeat(4_000)}`);
  vi.advanceTimersByTime(120);
  expect(sink.bundles.at(-1)?.length).toBeLessThanOrEqual(49_152);
  expect(told(sink).length).toBeGreaterThan(10);
});

test("a crowd is told step by step, and who leaves meanwhile is passed over", async () => {
  const sinks = await Promise.all(Array.from({ length: 500 }, () => listen(A)));
  sinks[400]?.leave();
  tell("hello");
  await vi.waitFor(() => expect(sinks.filter((sink) => told(sink).length === 1)).toHaveLength(499));
  expect(hub.readers).toBe(499);
});

test("who only listens is never told of an end, and is pinged", async () => {
  vi.useFakeTimers();
  hub.close();
  hub = createHub(log);
  const sink = await listen(A, B);
  await log.delete(A);
  vi.advanceTimersByTime(31_000);
  expect(sink.isEnded).toBe(false);
  expect(sink.text).toMatch(/^retry: \d+\n\n/);
  expect(sink.text).toContain("event: ping\ndata: {}\n\n");
});

test("a connection that also listens goes on when all that it reads has ended", async () => {
  const sink = new FakeSink();
  await hub.subscribeSeveral({
    streams: [{ stream: A, format: severalFormat(A), from: { at: "now" } }],
    listening: { streams: [B], first: () => "event: told\ndata: first\n\n", ping: "" },
    sink,
  });
  expect(told(sink)).toEqual(["first"]);
  await log.append(A, [], { close: true });
  await vi.waitFor(() => expect(sink.text).toContain("stream-end"));
  expect(sink.isEnded).toBe(false);
  tell("later", B);
  expect(told(sink)).toEqual(["first", "later"]);
});
