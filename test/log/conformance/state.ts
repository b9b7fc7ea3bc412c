import { expect } from "vitest";
import type { NewEvent } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { NAME, STATE, readAll, withLog } from "./support.ts";

const DAY_MS = 24 * 3_600_000;

export function testState(open: OpenLog): void {
  withLog("keeps one entry per key in the order of its last change, at rising offsets", open, async (log) => {
    await log.append(NAME, [keyed("a", 1), keyed("b", 1), keyed("c", 1)], STATE);
    await log.append(NAME, [keyed("a", 2)], STATE);
    const { entries, info } = await readAll(log, 0, {}, false);
    expect(entries.map(({ offset, data }) => [offset, data])).toEqual([
      [2, keyed("b", 1).data],
      [3, keyed("c", 1).data],
      [4, keyed("a", 2).data],
    ]);
    expect(info).toMatchObject({ head: 4, floor: 1 });
  });

  withLog("gives every key that changed after a cursor, at any cursor", open, async (log) => {
    const last = new Map<string, number>();
    for (let n = 1; n <= 40; n++) {
      await log.append(NAME, [keyed(`k${(n * 7) % 5}`, n)], STATE);
      last.set(`k${(n * 7) % 5}`, n);
    }
    for (let after = 0; after <= 40; after++) {
      const { entries } = await readAll(log, after, { maxEntries: 2 }, false);
      expect(entries.map(({ offset }) => offset)).toEqual(
        [...last.values()].filter((offset) => offset > after).sort((a, b) => a - b),
      );
    }
  });

  withLog(
    "keeps a deleted key as a tombstone for 24 hours, then raises the floor",
    open,
    async (log, { setNow }) => {
      setNow(0);
      await log.append(NAME, [keyed("a", 1), keyed("b", 1)], STATE);
      await log.append(NAME, [deleted("a")], STATE);
      expect((await readAll(log, 0, {}, false)).entries.map(({ offset }) => offset)).toEqual([2, 3]);
      setNow(DAY_MS + 1);
      await log.append(NAME, [keyed("c", 1)], STATE);
      const { entries, info } = await readAll(log, 0, {}, false);
      expect(entries.map(({ offset }) => offset)).toEqual([2, 4]);
      expect(info).toMatchObject({ floor: 4, head: 4 });
      expect(await log.read(NAME, 2)).toMatchObject({ status: "trimmed" });
      expect(await log.read(NAME, 3)).toMatchObject({ status: "page" });
    },
  );

  withLog("keeps at most 10,000 tombstones", open, async (log) => {
    for (let n = 0; n < 10_100; n += 100) {
      await log.append(
        NAME,
        Array.from({ length: 100 }, (_, index) => deleted(`k${n + index}`)),
        STATE,
      );
    }
    const { info } = await readAll(log, 0, {}, false);
    expect(info).toMatchObject({ head: 10_100, floor: 101 });
  });

  withLog("wants a key, and refuses one key too many", open, async (log) => {
    await log.create(NAME, { kind: "state", retention: { maxEvents: 2 } });
    await expect(log.append(NAME, [{ data: "{}" }])).rejects.toMatchObject({ code: "invalid-event" });
    await log.append(NAME, [keyed("a", 1), keyed("b", 1)]);
    await expect(log.append(NAME, [keyed("c", 1)])).rejects.toMatchObject({ code: "too-many-keys" });
    await log.append(NAME, [deleted("a")]);
    expect(await log.append(NAME, [keyed("c", 1)])).toMatchObject({ status: "appended", first: 4 });
  });

  withLog("knows its keys when it is opened again", open, async (log, { reopen }) => {
    await log.append(NAME, [keyed("a", 1), keyed("b", 1), deleted("c")], STATE);
    const again = (await reopen?.()) ?? log;
    await again.append(NAME, [keyed("a", 2), keyed("c", 2)]);
    expect((await readAll(again, 0, {}, false)).entries.map(({ offset }) => offset)).toEqual([2, 4, 5]);
  });
}

function keyed(key: string, n: number): NewEvent {
  return { data: JSON.stringify({ key, n }), key };
}

function deleted(key: string): NewEvent {
  return { data: JSON.stringify({ key, deleted: true }), key, isDeleted: true };
}
