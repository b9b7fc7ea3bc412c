import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Format } from "../../src/hub/format.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub } from "../../src/hub/hub.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

const STREAM = parseStreamName("tests/unanswered");

const format: Format = {
  name: "test",
  entry: (cursor, { data }) => `${cursor} ${data}\n`,
  start: ({ status }) => `start ${status}\n`,
  caughtUp: () => "caught-up\n",
  reset: (reason) => `reset ${reason}\n`,
  end: ({ reason }) => `end ${reason}\n`,
  ping: (cursor) => `ping ${cursor}\n`,
};

let log: Log;
let hub: Hub;

beforeEach(() => {
  vi.useFakeTimers();
  log = createMemoryLog();
  hub = createHub(log);
});
afterEach(async () => {
  vi.useRealTimers();
  hub.close();
  await log.close();
});

test("a reader whose read never comes back is told to come again", async () => {
  await log.append(STREAM, [{ data: '{"n":1}' }], { create: { kind: "log" } });
  const sinks = [new FakeSink(), new FakeSink()] as const;
  log.read = () => new Promise<never>(() => {});
  await hub.subscribe({ stream: STREAM, format, sink: sinks[0], from: { at: "start" } });
  await hub.subscribeSeveral({
    streams: [{ stream: STREAM, format, from: { at: "start" } }],
    sink: sinks[1],
  });
  expect(hub.look().map(({ state }) => state)).toEqual(["behind", "behind"]);
  await vi.advanceTimersByTimeAsync(20_000);
  expect(sinks.map(({ isEnded }) => isEnded)).toEqual([false, false]);
  await vi.advanceTimersByTimeAsync(40_000);
  for (const sink of sinks) {
    expect(sink.isEnded).toBe(true);
    expect(sink.text).toMatch(/retry: \d+\n\n$/);
  }
  expect(hub.gone().map(({ why }) => why)).toEqual(["unanswered", "unanswered"]);
});

test("so is one whose channels are never opened", async () => {
  log.info = () => new Promise<never>(() => {});
  const sink = new FakeSink();
  void hub.subscribeSeveral({ streams: [{ stream: STREAM, format, from: { at: "start" } }], sink });
  await vi.advanceTimersByTimeAsync(60_000);
  expect(sink.isEnded).toBe(true);
  expect(hub.readers).toBe(0);
});
