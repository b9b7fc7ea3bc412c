import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHub } from "../../src/hub/hub.ts";
import type { Hub, ReadingStart } from "../../src/hub/hub.ts";
import { streamFormat } from "../../src/http/stream-format.ts";
import type { Commit, Log, StreamInfo } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

// A node reads the log at once, and hears of what other nodes append some time later. So does this hub.

const STREAM = parseStreamName("tests/late-news");
const NEW_EPOCH = "newepoch1";

let log: Log;
let hub: Hub;
/** The news that has not come yet. */
let held: (() => void)[] = [];
/** Tells the one that watches. */
let tell: (commit: Commit) => void;
let watching: number;
/** From where on the log is in a new epoch, as after a restart of Redis. */
let from: number | undefined;

beforeEach(() => {
  held = [];
  watching = 0;
  from = undefined;
  log = createMemoryLog();
  hub = createHub({
    ...log,
    info: async (stream) => {
      const info = await log.info(stream);
      return info && inNewEpoch(info);
    },
    read: async (...asked) => {
      const outcome = await log.read(...asked);
      return outcome.status === "missing" ? outcome : { ...outcome, info: inNewEpoch(outcome.info) };
    },
    watch(stream, onCommit) {
      tell = onCommit;
      watching += 1;
      const unwatch = log.watch(stream, (commit) => held.push(() => onCommit(renewed(commit))));
      return () => {
        watching -= 1;
        unwatch();
      };
    },
  });
});
afterEach(async () => {
  hub.close();
  await log.close();
});

function renewed(commit: Commit): Commit {
  return commit.type === "appended" ? { ...commit, info: inNewEpoch(commit.info) } : commit;
}

function inNewEpoch(info: StreamInfo): StreamInfo {
  if (from === undefined || info.head < from) return info;
  return { ...info, epochs: [...info.epochs, { epoch: NEW_EPOCH, from }] };
}

async function infoOf(): Promise<StreamInfo> {
  const info = await log.info(STREAM);
  if (info === undefined) throw new Error("the stream is not there");
  return inNewEpoch(info);
}

async function append(...numbers: number[]): Promise<void> {
  const events = numbers.map((n) => ({ data: `{"n":${n}}` }));
  await log.append(STREAM, events, { create: { kind: "log", retention: { maxEvents: 10 } } });
}

async function read(start: ReadingStart): Promise<FakeSink> {
  const sink = new FakeSink();
  await hub.subscribe({ stream: STREAM, format: streamFormat, sink, from: start });
  return sink;
}

function tellAll(): void {
  for (const news of held.splice(0)) news();
}

function idsOf({ text }: FakeSink): string[] {
  return [...text.matchAll(/^id: (.*)$/gm)].map(([, id]) => id ?? "");
}

test("a reader whose cursor is ahead of the news keeps it, in its epoch, and gets what follows once", async () => {
  await append(1, 2, 3);
  const first = await read({ at: "start" });
  await vi.waitFor(() => expect(first.numbers).toEqual([1, 2, 3]));
  tellAll();
  from = 4;
  await append(4, 5);
  const second = await read({ at: "after", cursor: { epoch: NEW_EPOCH, offset: 5 }, info: await infoOf() });
  await vi.waitFor(() => expect(first.numbers).toEqual([1, 2, 3, 4, 5]));
  await append(6);
  tellAll();
  await vi.waitFor(() => expect(second.numbers).toEqual([6]));
  expect(new Set(idsOf(second))).toEqual(new Set([`${NEW_EPOCH}.5`, `${NEW_EPOCH}.6`]));
  expect(first.numbers).toEqual([1, 2, 3, 4, 5, 6]);
});

test("news older than what a reader has brought takes nothing back", async () => {
  await append(1);
  const first = await read({ at: "start" });
  await append(2);
  from = 3;
  await append(3);
  await read({ at: "after", cursor: { epoch: NEW_EPOCH, offset: 3 }, info: await infoOf() });
  // Of the time before the new epoch.
  held[0]?.();
  const third = await read({ at: "now" });
  expect(new Set(idsOf(third))).toEqual(new Set([`${NEW_EPOCH}.3`]));
  await vi.waitFor(() => expect(first.numbers).toEqual([1, 2, 3]));
});

test("a cursor of another stream of the same name is not followed in the old one", async () => {
  await append(1, 2, 3);
  const first = await read({ at: "start" });
  await log.delete(STREAM);
  await append(10);
  const info = await infoOf();
  const cursor = { epoch: info.epochs[0]?.epoch ?? "", offset: 1 };
  await expect(read({ at: "after", cursor, info })).rejects.toMatchObject({ code: "log-unavailable" });
  tellAll();
  expect(first.text).toContain('"reason":"deleted"');
  // What is sent to come again finds the new one.
  const again = await read({ at: "after", cursor, info });
  await append(11);
  tellAll();
  await vi.waitFor(() => expect(again.numbers).toEqual([11]));
});

test("what is read from the log before its news is told in its epoch, and is not told again", async () => {
  await append(1, 2, 3);
  const first = await read({ at: "now" });
  from = 4;
  await append(4, 5);
  const second = await read({ at: "start" });
  await vi.waitFor(() => expect(second.text).toContain("caught-up"));
  expect(idsOf(second).at(-1)).toBe(`${NEW_EPOCH}.5`);
  await append(6);
  tellAll();
  await vi.waitFor(() => expect(second.numbers).toEqual([1, 2, 3, 4, 5, 6]));
  await vi.waitFor(() => expect(first.numbers).toEqual([4, 5, 6]));
});

test("who is overtaken by the floor before the news of it goes on in its epoch", async () => {
  await append(1, 2, 3);
  await read({ at: "now" });
  from = 4;
  await append(...Array.from({ length: 17 }, (_, index) => 4 + index));
  const second = await read({ at: "start" });
  await vi.waitFor(() => expect(second.text).toContain("caught-up"));
  expect(second.numbers).toEqual([11, 12, 13, 14, 15, 16, 17, 18, 19, 20]);
  const [, reset, ...ids] = idsOf(second);
  expect(reset).toBe(`${NEW_EPOCH}.10`);
  expect(ids.every((id) => id.startsWith(`${NEW_EPOCH}.`))).toBe(true);
});

test("no event of another stream of the same name is read to who reads the old one", async () => {
  await append(1, 2, 3);
  await read({ at: "now" });
  await log.delete(STREAM);
  await append(10, 11, 12, 13);
  const second = await read({ at: "start" });
  await vi.waitFor(() => expect(second.isDestroyed).toBe(true));
  expect(second.numbers).toEqual([]);
});

test("where nobody reads it, a stream is let go after such a cursor", async () => {
  await append(1);
  const info = await infoOf();
  await log.delete(STREAM);
  await append(10);
  const cursor = { epoch: info.epochs[0]?.epoch ?? "", offset: 1 };
  await expect(read({ at: "after", cursor, info })).rejects.toMatchObject({ code: "log-unavailable" });
  expect(watching).toBe(0);
});

test("where the stream stands is taken from news without events", async () => {
  await append(1);
  const first = await read({ at: "start" });
  await vi.waitFor(() => expect(first.numbers).toEqual([1]));
  await append(2, 3);
  const news = await infoOf();
  expect(first.numbers).toEqual([1]);
  // As of a watch that has begun after them.
  tell({ type: "appended", entries: [], info: news });
  await vi.waitFor(() => expect(first.numbers).toEqual([1, 2, 3]));
});
