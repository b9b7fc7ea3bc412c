import { afterEach, expect, test, vi } from "vitest";
import { createEmbeddedLog } from "../../src/log/embedded.ts";
import type { SavedStream } from "../../src/log/log.ts";
import { createMemoryStore } from "../../src/log/memory.ts";
import type { Store } from "../../src/log/store.ts";
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

afterEach(() => {
  vi.useRealTimers();
});

/** Puts it back into a store that takes so many commits, and then none: as one whose process is killed. */
async function restoreUntil(store: Store, commits: number): Promise<boolean> {
  let left = commits;
  const log = createEmbeddedLog({
    ...store,
    async commit(writes) {
      if (left-- <= 0) throw new StreamError("log-unavailable", "dead");
      await store.commit(writes);
    },
  });
  try {
    return (await log.backup?.restore(NAME, saved)) === true;
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
    await vi.advanceTimersByTimeAsync(60_000);
    await expect.poll(() => store.names("", 10), { timeout: 20_000 }).toEqual([]);
    expect(store.expired(Infinity, 10)).toEqual([]);
    for (const number of [1, 2]) expect([...store.records(number, 0)]).toEqual([]);
  }
  // Its name, several of its events, and its end.
  expect(commits).toBeGreaterThan(4);
});
