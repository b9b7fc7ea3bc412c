import { afterEach, expect, test, vi } from "vitest";
import { createHub } from "../../src/hub/hub.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { LOG, NAME, event } from "../log/conformance/support.ts";
import { FakeSink } from "../support/fake-sink.ts";
import { streamFormat } from "../../src/http/stream-format.ts";

afterEach(() => vi.useRealTimers());

test("readers of a draining node are closed evenly over the window, each with a retry", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  const log = createMemoryLog();
  await log.append(NAME, [event(1)], LOG);
  const hub = createHub(log);
  const sinks = Array.from({ length: 1_000 }, () => new FakeSink());
  for (const sink of sinks) {
    await hub.subscribe({ stream: NAME, format: streamFormat, sink, from: { at: "start" } });
  }
  const closed: number[] = [];
  const draining = hub.drain(5_000);
  for (let ms = 0; ms < 5_000; ms += 500) {
    const before = hub.readers;
    await vi.advanceTimersByTimeAsync(500);
    closed.push(before - hub.readers);
  }
  await draining;
  expect(hub.readers).toBe(0);
  // At most twice what would be even, and none left for the end.
  expect(Math.max(...closed)).toBeLessThanOrEqual(200);
  expect(Math.min(...closed)).toBeGreaterThan(50);
  const retries = sinks.map((sink) => Number(/retry: (\d+)\n\n$/.exec(sink.text)?.[1]));
  expect(Math.min(...retries)).toBeGreaterThanOrEqual(250);
  expect(Math.max(...retries)).toBeLessThanOrEqual(750);
  expect(new Set(retries).size).toBeGreaterThan(100);
  hub.close();
  await log.close();
});
