import { afterEach, expect, test, vi } from "vitest";
import { createEmbeddedLog } from "../../src/log/embedded.ts";
import type { Log, SavedStream } from "../../src/log/log.ts";
import { createMemoryStore } from "../../src/log/memory.ts";
import type { Store } from "../../src/log/store.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { NAME, readNumbers } from "./conformance/support.ts";

const saved: SavedStream = {
  kind: "log",
  retention: { maxEvents: 10_000, maxBytes: 64 * 1_048_576, maxAgeMs: 30 * 86_400_000 },
  epochs: [{ epoch: "abcdefgh1", from: 1 }],
  floor: 1,
  head: 30,
  isClosed: false,
  // More than one commit holds.
  entries: Array.from({ length: 30 }, (_, n) => ({
    offset: n + 1,
    at: Date.now() + n,
    data: JSON.stringify({ n: n + 1, text: "x".repeat(150_000) }),
  })),
  ends: { events: [{ data: '{"n":31}' }], close: true },
};

/** When each event was appended. */
async function* timesOf({ backup }: Log): AsyncGenerator<number, void> {
  for (let last = 0; ;) {
    const page = await backup?.readSingles(NAME, last);
    if (page?.status !== "page" || page.entries.length === 0) return;
    for (const { at } of page.entries) yield at;
    last = page.entries.at(-1)?.offset ?? last;
  }
}

afterEach(() => {
  vi.useRealTimers();
});

/** Puts it back into a store that takes so many commits, and then none: as one whose process is killed. */
async function restoreUntil(store: Store, commits: number, replaces = false): Promise<boolean> {
  let left = commits;
  const log = createEmbeddedLog({
    ...store,
    async commit(writes) {
      if (left-- <= 0) throw new StreamError("log-unavailable", "dead");
      await store.commit(writes);
    },
  });
  try {
    return (await log.backup?.restore(NAME, saved, { replaces })) === true;
  } catch {
    return false;
  }
}

test("a stream whose restore was ended at any commit is not there, and leaves nothing behind; put back again it is whole", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let commits = 0;
  for (; ; commits++) {
    const store = createMemoryStore();
    if (await restoreUntil(store, commits)) break;
    const log = createEmbeddedLog(store);
    expect(await log.info(NAME)).toBeUndefined();
    expect(await log.read(NAME, 0)).toEqual({ status: "missing" });
    // Either it is put back again, or it is swept away.
    const other = createMemoryStore();
    await restoreUntil(other, commits);
    const again = createEmbeddedLog(other);
    expect(await again.backup?.restore(NAME, saved)).toBe(true);
    expect(await readNumbers(again)).toEqual(Array.from({ length: 31 }, (_, n) => n + 1));
    expect(await again.info(NAME)).toMatchObject({ head: 31, isClosed: true });
    const kept: number[] = [];
    for await (const record of timesOf(again)) kept.push(record);
    expect(kept.slice(0, 30)).toEqual(saved.entries.map(({ at }) => at));
    await vi.advanceTimersByTimeAsync(60_000);
    await expect.poll(() => store.names("", 10), { timeout: 60_000 }).toEqual([]);
    expect(store.expired(Infinity, 10)).toEqual([]);
    for (const number of [1, 2]) expect([...store.records(number, 0)]).toEqual([]);
    // What was left of it beside the one that was put back again.
    await expect.poll(() => other.names("", 10), { timeout: 60_000 }).toEqual([NAME]);
    expect(commits > 0 ? [...other.records(1, 0)] : []).toEqual([]);
  }
  // Its name, several of its events, and its end.
  expect(commits).toBeGreaterThan(4);
});

test("a stream that is replaced is there until the saved one has its place, wherever that ends", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let commits = 0;
  for (let isOver = false; !isOver; commits++) {
    const store = createMemoryStore();
    const former = createEmbeddedLog(store);
    await former.append(NAME, [{ data: '{"n":-1}' }, { data: '{"n":-2}' }], {
      create: { kind: "log" },
      writer: { id: "w", epoch: 1, seq: 0 },
    });
    await former.close();
    isOver = await restoreUntil(store, commits, true);
    // As one that is killed: it has another word with the disk when it starts.
    const log = createEmbeddedLog({ ...store, wasInterrupted: true });
    const numbers = Array.from({ length: 31 }, (_, n) => n + 1);
    expect(await readNumbers(log)).toEqual(isOver ? numbers : [-1, -2]);
    expect(await log.openWriters()).toHaveLength(isOver ? 0 : 1);
    expect(await log.append(NAME, [{ data: '{"n":-3}' }])).toMatchObject(
      isOver ? { status: "closed" } : { status: "appended", first: 3 },
    );
    await vi.advanceTimersByTimeAsync(30_000);
    await expect.poll(() => store.names("", 10), { timeout: 60_000 }).toEqual([NAME]);
    await expect.poll(() => store.expired(Infinity, 10), { timeout: 60_000 }).toEqual([]);
    // Of the one that is not there nothing is left.
    expect([...store.records(isOver ? 1 : 2, 0)]).toEqual([]);
  }
  expect(commits).toBeGreaterThan(5);
});

test("whoever comes while a stream is replaced finds the saved one, what was under way goes with the former, and no sweep takes it away", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const store = createMemoryStore();
  const log = createEmbeddedLog({
    ...store,
    async commit(writes) {
      // Time to sweep in, between any two of its commits.
      await vi.advanceTimersByTimeAsync(30_000);
      await store.commit(writes);
    },
  });
  const told: string[] = [];
  log.watch(NAME, ({ type }) => told.push(type));
  const before = log.append(NAME, [{ data: '{"n":-1}' }], { create: { kind: "log" } });
  const restoring = log.backup?.restore(NAME, saved, { replaces: true });
  const [after, read] = await Promise.all([log.append(NAME, [{ data: '{"n":32}' }]), readNumbers(log)]);
  expect([await before, await restoring, after]).toMatchObject([{ first: 1 }, true, { status: "closed" }]);
  expect(read).toHaveLength(31);
  expect(told).toEqual(["appended", "replaced"]);
  expect(await readNumbers(log)).toHaveLength(31);
});

test("a stream that expired is swept away after a kill, though nobody asks for it", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  const store = createMemoryStore();
  let now = 1_000;
  const retention = { ...saved.retention, closedTtlMs: 5_000 };
  const create = { kind: "log", retention } as const;
  const former = createEmbeddedLog(store, { now: () => now });
  await former.append(NAME, [{ data: "{}" }], { create, close: true });
  await former.close();
  now = 6_000;
  createEmbeddedLog({ ...store, wasInterrupted: true }, { now: () => now });
  await vi.advanceTimersByTimeAsync(30_000);
  await expect.poll(() => store.names("", 10), { timeout: 60_000 }).toEqual([]);
});

test("a key that was claimed comes back as it was, unless its time is over or somebody has it", async () => {
  let now = 1_000;
  const log = createEmbeddedLog(createMemoryStore(), { now: () => now });
  const record = { digest: "d", stream: NAME, cursor: "abcdefgh1.1" };
  expect(await log.backup?.restoreKey("k", { ...record, expiresAt: 1_000 })).toBe(false);
  expect(await log.key("k")).toBeUndefined();
  expect(await log.backup?.restoreKey("k", { ...record, expiresAt: 2_000 })).toBe(true);
  expect(await log.backup?.restoreKey("k", { ...record, digest: "other", expiresAt: 9_000 })).toBe(false);
  expect(await log.key("k")).toMatchObject({ digest: "d", expiresAt: 2_000 });
  // One whose time is over is anybody's again.
  now = 2_000;
  expect(await log.backup?.restoreKey("k", { ...record, digest: "other", expiresAt: 9_000 })).toBe(true);
});

test("whoever watches a stream is told that it was put back, and a chat's deltas are as compact as before", async () => {
  const store = createMemoryStore();
  const log = createEmbeddedLog(store);
  const told: string[] = [];
  log.watch(NAME, ({ type }) => told.push(type));
  const entries = Array.from({ length: 500 }, (_, n) => ({
    offset: n + 1,
    at: n,
    data: JSON.stringify({ type: "text-delta", message: "m", text: "x" }),
  }));
  expect(await log.backup?.restore(NAME, { ...saved, kind: "chat", head: 500, entries })).toBe(true);
  expect(told).toEqual(["replaced"]);
  expect([...store.records(1, 0)].length).toBeLessThan(10);
});

test("a stream that was closed is kept as long as its retention says, from its restore on", async () => {
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
  let now = 1_000;
  const log = createEmbeddedLog(createMemoryStore(), { now: () => now });
  const retention = { ...saved.retention, closedTtlMs: 5_000 };
  const open = parseStreamName("tests/open");
  const one = { ...saved, retention, head: 1, entries: [{ offset: 1, at: 1, data: "{}" }] };
  expect(await log.backup?.restore(NAME, one)).toBe(true);
  expect(await log.backup?.restore(open, { ...one, ends: { events: [], close: false } })).toBe(true);
  now = 5_999;
  expect(await log.info(NAME)).toMatchObject({ isClosed: true });
  now = 6_000;
  expect(await log.info(NAME)).toBeUndefined();
  expect(await log.info(open)).toMatchObject({ isClosed: false });
});
