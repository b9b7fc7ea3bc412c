import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordKey } from "../../src/log/lmdb-keys.ts";
import { openTable } from "../../src/log/lmdb-table.ts";
import type { Table } from "../../src/log/lmdb-table.ts";

/** Never by itself: each test says when LMDB is written to, by closing. */
const NEVER = { checkpointMs: 1_000_000 };

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "millrace-table-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

function key(n: number): string {
  return recordKey(1 + (n % 3), n);
}

function write(table: Table, ...values: (readonly [n: number, text: string | undefined])[]): void {
  table.write(
    values.map(([n, text]) => ({ key: key(n), value: text === undefined ? undefined : Buffer.from(text) })),
  );
}

function contents(table: Table, isBackward = false): Record<string, string> {
  const entries = [...table.between("", "\xff", isBackward)].map(([name, value]) => [name, value.toString()]);
  return Object.fromEntries(entries.filter(([name]) => name?.startsWith("\x02"))) as Record<string, string>;
}

function journals(from = directory): string[] {
  return readdirSync(from).filter((name) => name.startsWith("journal-"));
}

/** What the folder holds at this moment, as the end of the process would leave it. */
function snapshot(): string {
  const copy = mkdtempSync(join(directory, "copy-"));
  for (const name of journals()) copyFileSync(join(directory, name), join(copy, name));
  return copy;
}

test("finds in the journal what the process that was killed had not given to LMDB, and leaves none behind", async () => {
  const table = await openTable(directory, NEVER);
  write(table, [1, "a"], [2, "b"]);
  write(table, [1, undefined], [3, "c"]);
  const copy = snapshot();
  await table.close();
  expect(journals()).toEqual([]);

  for (const folder of [copy, directory]) {
    const again = await openTable(folder, NEVER);
    expect(contents(again)).toEqual({ [key(2)]: "b", [key(3)]: "c" });
    expect(again.get(key(1))).toBeUndefined();
    await again.close();
  }
});

test("takes batches of a journal up to the byte where it was torn, each whole or not at all", async () => {
  const table = await openTable(directory, NEVER);
  for (let n = 0; n < 6; n++) write(table, [2 * n, `${n}`], [2 * n + 1, `${n}`]);
  const whole = snapshot();
  await table.close();
  const [name = ""] = journals(whole);
  const bytes = readFileSync(join(whole, name));

  const states = new Set<number>();
  for (let cut = 0; cut <= bytes.length; cut += 7) {
    const folder = mkdtempSync(join(directory, "torn-"));
    // What a disk may make of the rest, where it was not flushed.
    writeFileSync(join(folder, name), Buffer.concat([bytes.subarray(0, cut), Buffer.alloc(30, cut)]));
    const again = await openTable(folder, NEVER);
    const found = Object.values(contents(again));
    states.add(found.length);
    expect(found.toSorted()).toEqual(
      [0, 1, 2, 3, 4, 5].flatMap((n) => [`${n}`, `${n}`]).slice(0, found.length),
    );
    expect(found.length % 2).toBe(0);
    await again.close();
  }
  expect([...states]).toEqual([0, 2, 4, 6, 8, 10].slice(0, states.size));
  expect(states.size).toBeGreaterThan(4);
});

test("does not make changes again that LMDB has, and lets none pass a gap", async () => {
  const first = await openTable(directory, NEVER);
  write(first, [1, "old"]);
  const old = snapshot();
  await first.close();
  const second = await openTable(directory, NEVER);
  write(second, [1, "new"]);
  await second.close();

  // The file of a journal that was removed may come back with a loss of power.
  for (const name of journals(old)) copyFileSync(join(old, name), join(directory, name));
  const third = await openTable(directory, NEVER);
  expect(contents(third)).toEqual({ [key(1)]: "new" });
  write(third, [2, "third"]);
  const gap = snapshot();
  await third.close();

  const fourth = await openTable(gap, NEVER);
  expect(contents(fourth)).toEqual({});
  await fourth.close();
});

test("equals a plain map under any row of changes, checkpoints and restarts, read in both directions", async () => {
  const change = fc.record({
    n: fc.nat(30),
    text: fc.option(fc.string({ maxLength: 5 }), { nil: undefined }),
  });
  const step = fc.oneof(
    { weight: 6, arbitrary: fc.array(change, { minLength: 1, maxLength: 5 }) },
    { weight: 2, arbitrary: fc.constant("append" as const) },
    { weight: 1, arbitrary: fc.constant("checkpoint" as const) },
    { weight: 1, arbitrary: fc.constant("restart" as const) },
  );
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
      const folder = mkdtempSync(join(directory, "run-"));
      let table = await openTable(folder, NEVER);
      let checkpoint = Promise.resolve();
      const model = new Map<string, string>();
      let next = 1_000;
      for (const what of steps) {
        if (what === "checkpoint") {
          checkpoint = table.checkpoint();
        } else if (what === "restart") {
          await table.close();
          table = await openTable(folder, NEVER);
        } else if (what === "append") {
          // New keys, of which some go again before LMDB has heard of them.
          next += 2;
          table.write([next, next + 1].map((n) => ({ key: key(n), value: Buffer.from("new"), isNew: true })));
          table.write([{ key: key(next), value: undefined }]);
          model.set(key(next + 1), "new");
        } else {
          write(table, ...what.map(({ n, text }) => [n, text] as const));
          for (const { n, text } of what) {
            if (text === undefined) model.delete(key(n));
            else model.set(key(n), text);
          }
        }
        const sorted = [...model].toSorted(([one], [other]) => (one < other ? -1 : 1));
        expect(Object.entries(contents(table))).toEqual(sorted);
        expect(Object.entries(contents(table, true))).toEqual(sorted.toReversed());
        for (const n of [0, 7, 30, next]) expect(table.get(key(n))?.toString()).toBe(model.get(key(n)));
      }
      await checkpoint;
      await table.close();
    }),
    { numRuns: 40 },
  );
});

test("holds no place of a reader after a range that was left early", async () => {
  const table = await openTable(directory, NEVER);
  for (let round = 0; round < 100; round++) {
    write(table, ...Array.from({ length: 20 }, (_, n) => [n, `${round}`] as const));
    await table.checkpoint();
    const [first] = table.between("\x02", "\x03");
    const [last] = table.between("\x02", "\x03", true);
    expect(first?.[0]).toBe(key(0));
    expect(last?.[0]).toBe(key(17));
    // Reads see what LMDB has committed since the last turn of the loop.
    await new Promise((resolve) => setImmediate(resolve));
  }
  // Nor files of what LMDB has.
  expect(journals()).toHaveLength(1);
  await table.close();
});
