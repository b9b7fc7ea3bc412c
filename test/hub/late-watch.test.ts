import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Format } from "../../src/hub/format.ts";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub, ReadingStart } from "../../src/hub/hub.ts";
import type { Commit, Log, StreamInfo } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { cursorAt } from "../../src/protocol/cursor.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

// On several nodes a watch tells later than a read: what a hub knows of a stream is then older than what its readers know.

const STREAM = parseStreamName("tests/late");
const SECOND = "second0000";

const format: Format = {
  name: "test",
  entry: (cursor, { data }) => `event ${cursor} ${data}\n`,
  start: ({ status, from }, _, id) => `start ${status} ${from} id ${id}\n`,
  caughtUp: (cursor) => `caught-up ${cursor}\n`,
  reset: (reason) => `reset ${reason}\n`,
  end: ({ reason }) => `end ${reason}\n`,
  ping: (cursor) => `ping ${cursor}\n`,
};

let own: Log;
let log: Log;
let hub: Hub;
let isHeld = false;
/** From this offset on the stream is in its second epoch, as after a restart of Redis. */
let secondFrom = Infinity;

beforeEach(() => {
  [isHeld, secondFrom] = [false, Infinity];
  own = createMemoryLog();
  log = {
    ...own,
    info: async (name) => {
      const info = await own.info(name);
      return info && inEpochs(info);
    },
    read: async (...call) => {
      const outcome = await own.read(...call);
      return outcome.status === "missing" ? outcome : { ...outcome, info: inEpochs(outcome.info) };
    },
    watch: (name, onCommit) =>
      own.watch(name, (commit) => {
        const told: Commit = commit.type === "appended" ? { ...commit, info: inEpochs(commit.info) } : commit;
        if (!isHeld) onCommit(told);
      }),
  };
  hub = createHub(log);
});
afterEach(async () => {
  vi.useRealTimers();
  hub.close();
  await own.close();
});

function inEpochs(info: StreamInfo): StreamInfo {
  const second = info.head < secondFrom ? [] : [{ epoch: SECOND, from: secondFrom }];
  return { ...info, epochs: [...info.epochs, ...second] };
}

async function append(...numbers: number[]): Promise<void> {
  const events = numbers.map((n) => ({ data: `{"n":${n}}` }));
  await own.append(STREAM, events, { create: { kind: "log" } });
}

async function subscribe(from: ReadingStart): Promise<FakeSink> {
  const sink = new FakeSink();
  await hub.subscribe({ stream: STREAM, format, sink, from });
  return sink;
}

/** A reader whose channel is opened before the third event comes, in a new epoch, and which reads it from the log. */
async function readAhead(): Promise<FakeSink> {
  await append(1, 2);
  isHeld = true;
  secondFrom = 3;
  const info = log.info.bind(log);
  log.info = async (name) => {
    const known = await info(name);
    await append(3);
    log.info = info;
    return known;
  };
  return subscribe({ at: "start" });
}

test("who reads from the log what the watch has not told of stands at it, in its epoch", async () => {
  const sink = await readAhead();
  await expect.poll(() => sink.text).toContain("caught-up");
  expect(sink.numbers).toEqual([1, 2, 3]);
  expect(sink.text).toContain(`caught-up ${SECOND}.3\n`);
});

test("a ping says where the reader stands, not where its hub does", async () => {
  vi.useFakeTimers();
  hub.close();
  hub = createHub(log);
  const sink = await readAhead();
  await vi.advanceTimersByTimeAsync(31_000);
  expect(sink.numbers).toEqual([1, 2, 3]);
  expect(sink.text).toContain(`ping ${SECOND}.3\n`);
  expect(sink.text).not.toMatch(/ping \w+\.2\n/);
});

test("a stream that is deleted while its first reader is on the way is not held for the one that comes after it", async () => {
  await append(1, 2);
  const info = log.info.bind(log);
  log.info = async (name) => {
    const known = await info(name);
    log.info = info;
    await own.delete(STREAM);
    await append(10);
    return known;
  };
  const sink = await subscribe({ at: "now" });
  await append(11);
  await expect.poll(() => sink.numbers).toEqual([11]);
  const late = await subscribe({ at: "start" });
  await expect.poll(() => late.numbers).toEqual([10, 11]);
});

test("who is behind in a stream that was deleted and made again is cut, not read on to in the other one", async () => {
  await append(1, 2, 3, 4);
  const read = log.read.bind(log);
  let isOther = false;
  log.read = async (...call) => {
    if (!isOther) {
      isOther = true;
      isHeld = true;
      await own.delete(STREAM);
      await append(11, 12, 13, 14, 15);
    }
    return read(...call);
  };
  const info = await log.info(STREAM);
  if (info === undefined) throw new Error("there is no stream");
  const sink = await subscribe({ at: "after", cursor: cursorAt(info.epochs, 2), info });
  await expect.poll(() => sink.isDestroyed).toBe(true);
  expect(sink.numbers).toEqual([]);
});
