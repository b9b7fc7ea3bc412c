import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Format } from "../../src/hub/format.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub, HubOptions, ReadingStart } from "../../src/hub/hub.ts";
import type { Commit, Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

const STREAM = parseStreamName("tests/hub");

let log: Log;
let hub: Hub;
let encoded: number[] = [];
const format: Format = {
  name: "test",
  entry: (cursor, { offset, data }) => {
    encoded.push(offset);
    return `${cursor} ${data}\n`;
  },
  start: ({ status }, retry) => `start ${status} ${retry}\n`,
  caughtUp: () => "caught-up\n",
  reset: (reason) => `reset ${reason}\n`,
  end: ({ reason }) => `end ${reason}\n`,
  ping: (cursor) => `ping ${cursor}\n`,
};

beforeEach(() => {
  encoded = [];
  log = createMemoryLog();
  hub = createHub(log);
});
afterEach(async () => {
  vi.useRealTimers();
  hub.close();
  await log.close();
});

async function subscribe(sink: FakeSink, from: ReadingStart = { at: "start" }): Promise<FakeSink> {
  await hub.subscribe({ stream: STREAM, format, sink, from });
  return sink;
}

async function append(...numbers: number[]): Promise<void> {
  const events = numbers.map((n) => ({ data: `{"n":${n}}` }));
  await log.append(STREAM, events, { create: { kind: "log", retention: { maxEvents: 100_000 } } });
}

/** Another clock needs another hub. */
function startHub(options: HubOptions): void {
  hub.close();
  hub = createHub(log, options);
}

test("encodes each event once for 50 readers, who get the same bytes", async () => {
  await append(0);
  const sinks = await Promise.all(Array.from({ length: 50 }, () => subscribe(new FakeSink(), { at: "now" })));
  encoded = [];
  await append(1, 2, 3);
  await vi.waitFor(() => expect(sinks.every((sink) => sink.numbers.length === 3)).toBe(true));
  expect(encoded).toEqual([2, 3, 4]);
  expect(new Set(sinks.map((sink) => sink.bundles.at(-1)?.payload)).size).toBe(1);
});

test("wraps a bundle as a chunk of HTTP/1.1 in the same memory", async () => {
  const sink = await subscribe(new FakeSink());
  await append(1);
  await vi.waitFor(() => expect(sink.numbers).toEqual([1]));
  const { payload, chunk } = sink.bundles.at(-1) ?? { payload: new Uint8Array(), chunk: new Uint8Array() };
  const text = new TextDecoder().decode(payload);
  expect(new TextDecoder().decode(chunk)).toBe(`${payload.length.toString(16)}\r\n${text}\r\n`);
  expect(chunk.buffer).toBe(payload.buffer);
});

test("shows nothing before it is committed", async () => {
  let commit: (() => void) | undefined;
  const watchers: ((commit: Commit) => void)[] = [];
  const held: Log = {
    ...log,
    watch: (_, onCommit) => {
      watchers.push(onCommit);
      return () => {};
    },
  };
  log.watch(STREAM, (change) => {
    commit = () => watchers.forEach((watcher) => watcher(change));
  });
  hub.close();
  hub = createHub(held);
  const sink = await subscribe(new FakeSink());
  await append(1);
  await new Promise((resolve) => setImmediate(resolve));
  expect(sink.numbers).toEqual([]);
  commit?.();
  expect(sink.numbers).toEqual([1]);
});

test("leaves a stuck reader alone until it drains, then reads to it in small pieces from its cursor", async () => {
  const sink = await subscribe(new FakeSink());
  sink.isStuck = true;
  const size = 400;
  const events = Array.from({ length: size }, (_, n) => ({ data: `{"n":${n},"x":"${"x".repeat(500)}"}` }));
  await log.append(STREAM, events.slice(0, 1), { create: { kind: "log" } });
  await vi.waitFor(() => expect(sink.numbers).toEqual([0]));
  const before = sink.bundles.length;
  for (let n = 1; n < size; n += 10) await log.append(STREAM, events.slice(n, n + 10));
  expect(sink.bundles).toHaveLength(before);
  for (let drains = 0; sink.numbers.length < size; drains++) {
    expect(drains).toBeLessThan(100);
    sink.drain();
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(sink.numbers).toEqual(Array.from({ length: size }, (_, n) => n));
  const pieces = sink.bundles.slice(before).map(({ payload }) => payload.length);
  // A page is counted in JSON text; ids and line ends come on top.
  expect(Math.max(...pieces)).toBeLessThan(16_384 * 1.1);
});

test("reads to a crowd that fell behind together from the log once, and to each from its cursor", async () => {
  await append(0);
  const sinks = await Promise.all(Array.from({ length: 30 }, () => subscribe(new FakeSink())));
  await vi.waitFor(() => expect(sinks.every(({ numbers }) => numbers.length === 1)).toBe(true));
  for (const sink of sinks) sink.isStuck = true;
  await append(1);
  await vi.waitFor(() => expect(sinks.every(({ numbers }) => numbers.length === 2)).toBe(true));
  const size = 2_002;
  for (let n = 2; n < size; n += 100) await append(...Array.from({ length: 100 }, (_, index) => n + index));
  const reads = vi.spyOn(log, "read");
  encoded = [];
  for (const sink of sinks) {
    sink.isStuck = false;
    sink.drain();
  }
  const end = `"n":${size - 1}}`;
  const hasEnd = ({ bundles }: FakeSink) => new TextDecoder().decode(bundles.at(-1)?.payload).includes(end);
  await vi.waitFor(() => expect(sinks.every(hasEnd)).toBe(true));
  for (const { numbers } of sinks) expect(numbers).toEqual(Array.from({ length: size }, (_, n) => n));
  expect(reads.mock.calls.length).toBeLessThan(10);
  expect(encoded.length).toBeLessThan(2 * size);
});

test("gives what is committed during a flush to all alike with the next one", async () => {
  await append(0);
  const sinks = await Promise.all(Array.from({ length: 40 }, () => subscribe(new FakeSink(), { at: "now" })));
  const before = sinks.map(({ bundles }) => bundles.length);
  for (const sink of sinks) {
    const write = sink.write.bind(sink);
    // So slow that a flush takes several turns of the loop.
    sink.write = (bundle) => {
      for (const end = performance.now() + 0.3; performance.now() < end;);
      return write(bundle);
    };
  }
  for (let n = 1; n < 30; n++) {
    await append(n);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(sinks.every(({ numbers }) => numbers.at(-1) === 29)).toBe(true));
  const given = sinks.map(({ bundles }, index) => bundles.slice(before[index]));
  expect(given[0]?.length).toBeGreaterThan(1);
  for (const bundles of given) expect(bundles).toEqual(given[0]);
  for (const [index, bundle] of (given[0] ?? []).entries())
    expect(new Set(given.map((bundles) => bundles[index]))).toEqual(new Set([bundle]));
});

test("cuts a reader that takes nothing for 30 seconds, and no healthy one", async () => {
  vi.useFakeTimers();
  startHub({});
  const stuck = await subscribe(new FakeSink());
  const healthy = await subscribe(new FakeSink());
  stuck.isStuck = true;
  await append(1);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(stuck.isDestroyed).toBe(false);
  await vi.advanceTimersByTimeAsync(31_000);
  expect(stuck.isDestroyed).toBe(true);
  expect(healthy.isDestroyed).toBe(false);
  expect(hub.readers).toBe(1);
});

test("pings after silence with the cursor, spread over readers, and not where events flow", async () => {
  vi.useFakeTimers();
  startHub({});
  await append(1);
  const sinks = await Promise.all(Array.from({ length: 40 }, () => subscribe(new FakeSink())));
  const at = new Map<FakeSink, number>();
  for (let ms = 0; ms < 31_000; ms += 250) {
    await vi.advanceTimersByTimeAsync(250);
    for (const sink of sinks) if (sink.text.includes("ping ") && !at.has(sink)) at.set(sink, ms);
  }
  expect(at.size).toBe(40);
  expect(new Set(at.values()).size).toBeGreaterThan(10);
  expect(sinks[0]?.text).toMatch(/ping [0-9a-z]+\.1\n/);
  const busy = await subscribe(new FakeSink());
  for (let n = 2; n < 10; n++) {
    await append(n);
    await vi.advanceTimersByTimeAsync(7_000);
  }
  expect(busy.text).not.toContain("ping");
});

test("ends a connection at its age, spread by a fifth", async () => {
  vi.useFakeTimers();
  startHub({});
  const sinks = await Promise.all(Array.from({ length: 30 }, () => subscribe(new FakeSink())));
  const ended = () => sinks.filter(({ isEnded }) => isEnded).length;
  await vi.advanceTimersByTimeAsync(464_000);
  expect(ended()).toBe(0);
  await vi.advanceTimersByTimeAsync(136_000);
  expect(ended()).toBeGreaterThan(3);
  expect(ended()).toBeLessThan(27);
  await vi.advanceTimersByTimeAsync(136_000);
  expect(ended()).toBe(30);
});

test("bundles: a flush comes no sooner after the last than that one took", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  startHub({});
  const slow = new FakeSink();
  // Each write to it takes 8 ms of the clock.
  slow.write = (bundle) => {
    slow.bundles.push(bundle);
    vi.advanceTimersByTime(8);
    return true;
  };
  await subscribe(slow);
  await append(1);
  const before = slow.bundles.length;
  expect(slow.numbers).toEqual([1]);
  for (const n of [2, 3, 4, 5]) await append(n);
  expect(slow.bundles).toHaveLength(before);
  vi.advanceTimersByTime(8);
  expect(slow.bundles).toHaveLength(before + 1);
  expect(slow.numbers).toEqual([1, 2, 3, 4, 5]);
  slow.write = () => true;
});

test("waits for no more after a flush in whose turns others did as much as it", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance"] });
  startHub({});
  const sinks = await Promise.all(Array.from({ length: 40 }, () => subscribe(new FakeSink())));
  for (const sink of sinks) {
    const write = sink.write.bind(sink);
    sink.write = (bundle) => {
      vi.advanceTimersByTime(1);
      return write(bundle);
    };
  }
  const turnsUntil = async (last: number, othersMs: number) => {
    for (let turn = 0; turn < 100 && sinks.some(({ numbers }) => numbers.at(-1) !== last); turn++) {
      vi.advanceTimersByTime(othersMs);
      await new Promise((resolve) => setImmediate(resolve));
    }
  };
  await append(1);
  await append(2);
  await turnsUntil(1, 5);
  await turnsUntil(2, 0);
  for (const { numbers } of sinks) expect(numbers).toEqual([1, 2]);
  for (const sink of sinks) sink.write = () => true;
});

test("skips nobody when readers leave in the middle of a flush", async () => {
  const sinks = await Promise.all(Array.from({ length: 20 }, () => subscribe(new FakeSink())));
  for (const sink of sinks.filter((_, index) => index % 3 === 0)) {
    const write = sink.write.bind(sink);
    sink.write = (bundle) => {
      sink.leave();
      return write(bundle);
    };
  }
  await append(1);
  await vi.waitFor(() => expect(sinks.map(({ numbers }) => numbers)).toEqual(sinks.map(() => [1])));
  await append(2);
  const staying = sinks.filter((_, index) => index % 3 !== 0);
  await vi.waitFor(() => expect(staying.map(({ numbers }) => numbers)).toEqual(staying.map(() => [1, 2])));
  expect(hub.readers).toBe(staying.length);
});

test("a reader that is gone before it is attached takes no other's place", async () => {
  const sink = await subscribe(new FakeSink());
  await subscribe(new FakeSink({ isGone: true }));
  expect(hub.readers).toBe(1);
  await append(1);
  await vi.waitFor(() => expect(sink.numbers).toEqual([1]));
});

test("opens a stream again where its last reader left while another came", async () => {
  const first = subscribe(new FakeSink({ isGone: true }));
  const second = new FakeSink();
  await Promise.all([first, subscribe(second)]);
  await append(1);
  await vi.waitFor(() => expect(second.numbers).toEqual([1]));
});

test("tells a reader that was overtaken by the floor, and goes on from there", async () => {
  await log.create(STREAM, { kind: "log", retention: { maxEvents: 600 } });
  await append(0);
  const sink = await subscribe(new FakeSink());
  await append(1);
  await vi.waitFor(() => expect(sink.numbers).toEqual([0, 1]));
  sink.isStuck = true;
  await append(2);
  for (let n = 3; n < 2_003; n += 100) await append(...Array.from({ length: 100 }, (_, index) => n + index));
  sink.isStuck = false;
  sink.drain();
  await vi.waitFor(() => expect(sink.numbers.at(-1)).toBe(2_002));
  expect(sink.text).toContain("reset trimmed");
  const after = [...sink.text.slice(sink.text.indexOf("reset")).matchAll(/"n":(\d+)/g)].map(([, n]) =>
    Number(n),
  );
  expect(after).toEqual(Array.from({ length: 600 }, (_, index) => 1_403 + index));
});

test("asks again where the log did not answer", async () => {
  await append(1, 2);
  const { StreamError } = await import("../../src/protocol/error.ts");
  const read = vi.spyOn(log, "read").mockRejectedValueOnce(new StreamError("log-unavailable", "away"));
  const sink = await subscribe(new FakeSink());
  await vi.waitFor(() => expect(sink.numbers).toEqual([1, 2]));
  expect(read).toHaveBeenCalledTimes(2);
});

test("close tells each reader when to come back, and ends it", async () => {
  const sinks = await Promise.all(Array.from({ length: 10 }, () => subscribe(new FakeSink())));
  hub.close();
  const waits = sinks.map((sink) => /retry: (\d+)\n\n$/.exec(sink.text)?.[1]);
  expect(sinks.every(({ isEnded }) => isEnded)).toBe(true);
  expect(new Set(waits).size).toBeGreaterThan(5);
  expect(hub.readers).toBe(0);
});
