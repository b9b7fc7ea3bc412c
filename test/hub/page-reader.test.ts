import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Format } from "../../src/hub/format.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub, ReadingStart } from "../../src/hub/hub.ts";
import { Pages } from "../../src/hub/pages.ts";
import type { Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { cursorAt } from "../../src/protocol/cursor.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

const STREAM = parseStreamName("tests/pages");
/** More than lie between the question to the log and all that follows from its answer. */
const MOMENTS = 40;

const format: Format = {
  name: "test",
  entry: (cursor, { data }) => `${cursor} ${data}\n`,
  start: ({ status }) => `start ${status}\n`,
  caughtUp: () => "caught-up\n",
  reset: (reason) => `reset ${reason}\n`,
  end: ({ reason }) => `end ${reason}\n`,
  ping: (cursor) => `ping ${cursor}\n`,
};

/** Events that do not fit in one page together. */
const LONG = "x".repeat(40_000);

let log: Log;
let hub: Hub;
/** The offsets after which the log was read. */
let reads: number[] = [];

beforeEach(() => {
  reads = [];
  const kept = createMemoryLog();
  log = {
    ...kept,
    read(stream, after, limit) {
      reads.push(after);
      return kept.read(stream, after, limit);
    },
  };
  hub = createHub(log);
});
afterEach(async () => {
  vi.restoreAllMocks();
  hub.close();
  await log.close();
});

async function append(count: number, text = ""): Promise<void> {
  const events = Array.from({ length: count }, (_, index) => ({
    data: JSON.stringify({ n: index + 1, text }),
  }));
  await log.append(STREAM, events, { create: { kind: "log" } });
}

async function subscribe(from: ReadingStart): Promise<FakeSink> {
  const sink = new FakeSink();
  await hub.subscribe({ stream: STREAM, format, sink, from });
  return sink;
}

/** So many readers at as many places, of which none is served by another's page. */
async function comeApart(readers: number): Promise<FakeSink[]> {
  await append(readers + 1);
  const info = await log.info(STREAM);
  if (info === undefined) throw new Error("It was made.");
  return Promise.all(
    Array.from({ length: readers }, (_, index) =>
      subscribe({ at: "after", cursor: cursorAt(info.epochs, readers - index), info }),
    ),
  );
}

test("a crowd that comes with as many cursors has the log read a few times in a turn of the loop, not all at once", async () => {
  const readers = 100;
  let before = 0;
  let most = 0;
  let isOver = false;
  const turn = () => {
    most = Math.max(most, reads.length - before);
    before = reads.length;
    if (!isOver) setImmediate(turn);
  };
  setImmediate(turn);
  const sinks = await comeApart(readers);
  await expect.poll(() => sinks.every(({ text }) => text.includes("caught-up"))).toBe(true);
  isOver = true;
  for (const [index, { numbers }] of sinks.entries())
    expect(numbers).toEqual(Array.from({ length: index + 1 }, (_, each) => readers - index + 1 + each));
  expect(reads.length).toBe(readers);
  expect(most).toBeLessThan(10);
});

test("what was read for one is given to all who wait for it, in the order in which they asked", async () => {
  await append(1);
  const sinks = await Promise.all(Array.from({ length: 50 }, () => subscribe({ at: "start" })));
  await expect.poll(() => sinks.every(({ text }) => text.includes("caught-up"))).toBe(true);
  expect(reads).toEqual([0]);
  expect(new Set(sinks.map(({ text }) => text.replace(/^start.*\n/, ""))).size).toBe(1);
});

test("answers that begin while a crowd takes all of each turn are read many in a turn", async () => {
  await append(1);
  let written = 0;
  const crowd = await Promise.all(Array.from({ length: 400 }, () => subscribe({ at: "now" })));
  for (const sink of crowd)
    sink.write = () => {
      const end = performance.now() + 1;
      while (performance.now() < end);
      written += 1;
      return true;
    };
  const names = Array.from({ length: 40 }, (_, index) => parseStreamName(`tests/answer-${index}`));
  for (const name of names) await log.append(name, [{ data: '{"n":1}' }], { create: { kind: "log" } });
  await append(1);
  await expect.poll(() => written, { interval: 1 }).toBeGreaterThan(0);
  const before = written;
  const sinks = await Promise.all(
    names.map(async (stream) => {
      const sink = new FakeSink();
      await hub.subscribe({ stream, format, sink, from: { at: "start" } });
      return sink;
    }),
  );
  while (!sinks.every(({ text }) => text.includes("caught-up")))
    await new Promise((resolve) => setImmediate(resolve));
  expect(sinks.map(({ numbers }) => numbers)).toEqual(names.map(() => [1]));
  expect(written - before).toBeLessThan(100);
});

test("who comes later gets the pages of those before, however far apart they are", async () => {
  await append(40, LONG);
  const first = await Promise.all([subscribe({ at: "start" }), subscribe({ at: "start" })]);
  await expect.poll(() => first.every(({ text }) => text.includes("caught-up"))).toBe(true);
  const before = reads.length;
  expect(before).toBeGreaterThanOrEqual(40);
  const late = await subscribe({ at: "start" });
  await expect.poll(() => late.text.includes("caught-up")).toBe(true);
  expect(late.numbers).toEqual(Array.from({ length: 40 }, (_, index) => index + 1));
  expect(reads.length).toBe(before);
});

test("what was read is forgotten when nobody reads the stream any more", async () => {
  await append(10, LONG);
  const forget = vi.spyOn(Pages.prototype, "forget");
  const sinks = await Promise.all([subscribe({ at: "start" }), subscribe({ at: "start" })]);
  await expect.poll(() => sinks.every(({ text }) => text.includes("caught-up"))).toBe(true);
  sinks[0]?.leave();
  expect(forget).not.toHaveBeenCalled();
  const before = reads.length;
  sinks[1]?.leave();
  expect(forget).toHaveBeenCalledOnce();
  const late = await subscribe({ at: "start" });
  await expect.poll(() => late.text.includes("caught-up")).toBe(true);
  expect(reads.length).toBeGreaterThan(before);
});

test("readers that left while they waited have nothing read", async () => {
  const readers = 50;
  const sinks = await comeApart(readers);
  for (const sink of sinks) sink.leave();
  for (let turn = 0; turn < readers; turn++) await new Promise((resolve) => setImmediate(resolve));
  expect(reads.length).toBeLessThan(readers / 2);
});

test("who comes while another one's page is read gets it too, at whatever moment", async () => {
  await append(2);
  const late: number[] = [];
  for (let moment = 0; moment < MOMENTS; moment++) {
    hub.close();
    hub = createHub(log);
    const [first, second] = [new FakeSink(), new FakeSink()];
    const from = { at: "start" } as const;
    const reading = hub.subscribe({ stream: STREAM, format, sink: first, from });
    for (let turn = 0; turn < moment; turn++) await Promise.resolve();
    await hub.subscribe({ stream: STREAM, format, sink: second, from });
    await reading;
    await expect.poll(() => first.numbers).toEqual([1, 2]);
    // What is on its way needs a few turns of the loop; nothing is waited for that does not come.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!second.text.includes("caught-up")) late.push(moment);
  }
  expect(late).toEqual([]);
});
