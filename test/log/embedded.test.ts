import { expect, test } from "vitest";
import { createEmbeddedLog } from "../../src/log/embedded.ts";
import { createMemoryStore } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { gate } from "../support/app.ts";
import { LOG, NAME, event, readNumbers } from "./conformance/support.ts";

test("answers and tells commits in the order of the calls, though the store answers a later one first", async () => {
  const store = createMemoryStore();
  const gates = [gate(), gate(), gate()];
  let calls = 0;
  const log = createEmbeddedLog({
    ...store,
    async commit(writes) {
      const { opened } = gates[calls++] ?? gate();
      await store.commit(writes);
      await opened;
    },
  });
  const seen: string[] = [];
  log.watch(NAME, (commit) => seen.push(commit.type === "appended" ? `told ${commit.info.head}` : "deleted"));
  const appends = [1, 2, 3].map((n) =>
    log.append(NAME, [event(n)], LOG).then(() => seen.push(`answered ${n}`)),
  );
  for (const { open } of gates.toReversed()) {
    open();
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(appends);
  expect(seen.filter((what) => what.startsWith("told"))).toEqual(["told 1", "told 2", "told 3"]);
  expect(seen.filter((what) => what.startsWith("answered"))).toEqual([
    "answered 1",
    "answered 2",
    "answered 3",
  ]);
});

test("a commit that fails takes with it what was decided on top of it, and leaves no hole", async () => {
  const store = createMemoryStore();
  let isFull = false;
  const log = createEmbeddedLog({
    ...store,
    async commit(writes) {
      if (!isFull) return store.commit(writes);
      isFull = false;
      await Promise.resolve();
      throw new StreamError("log-full", "full");
    },
  });
  await log.append(NAME, [event(1)], LOG);
  isFull = true;
  const outcomes = await Promise.allSettled([2, 3, 4].map((n) => log.append(NAME, [event(n)])));
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"]);
  expect(await log.append(NAME, [event(5)])).toMatchObject({ status: "appended", first: 2 });
  expect(await readNumbers(log)).toEqual([1, 5]);
});

test("a large batch is kept as several records, so that a slow reader's page takes little out of the store", async () => {
  const store = createMemoryStore();
  const log = createEmbeddedLog(store);
  const lengths = [20_000, 12_768, 1, 100_000, 32_768, 10, 10];
  const events = lengths.map((length) => ({ data: "x".repeat(length) }));
  await log.append(NAME, events, LOG);
  await log.append(NAME, events.slice(-2));
  const records = [...store.records(1, 0)].map((record) => [
    record.first,
    record.type === "batch" && record.events.map(({ length }) => length),
  ]);
  expect(records).toEqual([
    [1, [20_000, 12_768]],
    [3, [1]],
    [4, [100_000]],
    [5, [32_768]],
    [6, [10, 10]],
    [8, [10, 10]],
  ]);
  const outcome = await log.read(NAME, 0, { maxLength: 1_000_000 });
  if (outcome.status !== "page") throw new Error(outcome.status);
  expect(outcome.entries.map(({ offset }) => offset)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(outcome.entries.map(({ data }) => data.length)).toEqual([...lengths, 10, 10]);
});

test("the beginning of a large batch goes as soon as what follows it is enough", async () => {
  const store = createMemoryStore();
  const log = createEmbeddedLog(store);
  const events = Array.from({ length: 5 }, () => ({ data: "x".repeat(32_768) }));
  await log.append(NAME, events, { ...LOG, create: { kind: "log", retention: { maxBytes: 100_000 } } });
  await log.append(NAME, [event(1)]);
  expect([...store.records(1, 0)].map(({ first }) => first)).toEqual([2, 3, 4, 5, 6]);
});
