import { expect } from "vitest";
import type { Commit, Log, NewEvent } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { CHAT, LOG, NAME, OTHER, STATE, event, readAll, readNumbers, withLog } from "./support.ts";

/** What must hold while appends are under way: a commit is seen whole or not at all. */
export function testCommits(open: OpenLog): void {
  withLog("shows a reader whole batches only, while others are under way", open, async (log) => {
    await log.append(NAME, batch(0), LOG);
    await whileAppending(
      100,
      (n) => log.append(NAME, batch(n)),
      async () => {
        const page = await log.read(NAME, 0);
        if (page.status !== "page") throw new Error(page.status);
        expect(page.entries.length % 5).toBe(0);
        expect(page.entries.at(-1)?.offset).toBe(page.info.head);
      },
    );
    expect(await readNumbers(log)).toHaveLength(505);
  });

  withLog("leaves no key out of a state that is read while it changes", open, async (log) => {
    const keys = ["a", "b", "c", "d"];
    await log.append(
      NAME,
      keys.map((key) => keyed(key, 0)),
      STATE,
    );
    await whileAppending(
      200,
      (n) => log.append(NAME, [keyed(keys[n % 4] ?? "", n)]),
      async () => {
        const { entries } = await readAll(log, 0, {}, false);
        expect(new Set(entries.map(({ data }) => (JSON.parse(data) as { key: string }).key))).toEqual(
          new Set(keys),
        );
      },
    );
  });

  withLog("says trimmed, and shows no hole, where a reader is overtaken by the floor", open, async (log) => {
    await log.create(NAME, { kind: "log", retention: { maxEvents: 4 } });
    await log.append(NAME, [event(1)]);
    await whileAppending(
      200,
      (n) => log.append(NAME, [event(n + 1)]),
      async () => {
        const info = await log.info(NAME);
        const after = (info?.floor ?? 1) - 1;
        const page = await log.read(NAME, after);
        if (page.status === "trimmed") expect(page.info.floor).toBeGreaterThan(after + 1);
        else if (page.status === "page" && after < page.info.head)
          expect(page.entries[0]?.offset).toBe(after + 1);
      },
    );
  });

  withLog("refuses a batch as a whole where one event of it is refused", open, async (log) => {
    await log.append(NAME, [event(1)], LOG);
    const data = JSON.stringify("x".repeat(262_144));
    await expect(log.append(NAME, [event(2), { data }])).rejects.toMatchObject({ code: "event-too-large" });
    expect(await readNumbers(log)).toEqual([1]);
    expect(await log.append(NAME, [event(2)])).toMatchObject({ status: "appended", first: 2 });
  });

  withLog("counts the keys of a batch together", open, async (log) => {
    await log.create(NAME, { kind: "state", retention: { maxEvents: 2 } });
    const batch = [keyed("a", 1), keyed("b", 1), keyed("c", 1)];
    await expect(log.append(NAME, batch)).rejects.toMatchObject({ code: "too-many-keys" });
    expect(await log.info(NAME)).toMatchObject({ head: 0 });
    // A key twice is one key, and one that goes makes room.
    await log.append(NAME, [keyed("a", 1), keyed("b", 1), keyed("a", 2)]);
    const gone: NewEvent = { ...keyed("a", 3), isDeleted: true };
    expect(await log.append(NAME, [gone, keyed("c", 1)])).toMatchObject({ status: "appended", last: 5 });
    const { entries } = await readAll(log, 0, {}, false);
    expect(entries.map(({ offset }) => offset)).toEqual([2, 4, 5]);
  });

  withLog("creates one stream where many create it at the same time", open, async (log) => {
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => log.create(NAME, { kind: "log" })));
    expect(outcomes.map(({ status }) => status).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      "created",
      ...Array.from({ length: 4 }, () => "exists"),
    ]);
    expect(new Set(outcomes.map(({ info }) => info.epochs[0]?.epoch)).size).toBe(1);
  });

  withLog("loses no acknowledged append where it meets the creation of its stream", open, async (log) => {
    const creation = log.create(NAME, { kind: "log" });
    const outcome = await log.append(NAME, [event(1)], LOG);
    const { info } = await creation;
    expect(outcome).toMatchObject({ status: "appended", first: 1, cursor: `${info.epochs[0]?.epoch}.1` });
    expect(await readNumbers(log)).toEqual([1]);
    expect((await log.info(NAME))?.epochs).toEqual(info.epochs);
  });

  withLog("keeps a stream that is under way where an append to it is refused", open, async (log) => {
    for (let turns = 0; turns < 6; turns++) {
      const creation = log.create(NAME, { kind: "log" });
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const tooLarge = log.append(NAME, [{ data: JSON.stringify("x".repeat(262_144)) }], LOG);
      const outcome = log.append(NAME, [event(1)], LOG);
      await expect(tooLarge).rejects.toMatchObject({ code: "event-too-large" });
      const epoch = (await creation).info.epochs[0]?.epoch;
      expect(await outcome, `${turns} turns`).toMatchObject({ first: 1, cursor: `${epoch}.1` });
      expect(await readNumbers(log)).toEqual([1]);
      await log.delete(NAME);
    }
  });

  withLog("tells who watches the last word where an append meets a deletion", open, async (log) => {
    for (let turns = 0; turns < 6; turns++) {
      await log.append(NAME, [event(1)], LOG);
      const seen: Commit["type"][] = [];
      const unwatch = log.watch(NAME, ({ type }) => seen.push(type));
      const deletion = log.delete(NAME);
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      const append = log.append(NAME, [event(2)]);
      expect(await deletion).toBe(true);
      await append;
      const isThere = (await log.info(NAME)) !== undefined;
      await expect
        .poll(() => seen.at(-1), { message: `${turns} turns` })
        .toBe(isThere ? "appended" : "deleted");
      unwatch();
      await log.delete(NAME);
    }
  });

  withLog(
    "loses no acknowledged append that may make its stream anew, beside a deletion",
    open,
    async (log) => {
      for (let turns = 0; turns < 6; turns++) {
        await log.append(NAME, [event(1)], LOG);
        const deletion = log.delete(NAME);
        for (let turn = 0; turn < turns; turn++) await Promise.resolve();
        const outcome = await log.append(NAME, [event(2)], LOG);
        await deletion;
        const info = await log.info(NAME);
        // Either it came before the deletion and went with it, or it made the stream anew, at 1.
        if (info !== undefined) expect(outcome, `${turns} turns`).toMatchObject({ first: 1 });
        else expect(outcome, `${turns} turns`).toMatchObject({ first: 2 });
        await log.delete(NAME);
      }
    },
  );

  withLog("keeps streams apart: offsets, writers and ends", open, async (log) => {
    const writer = { id: "run", epoch: 1, seq: 0 };
    await log.append(NAME, [event(1), event(2)], { ...CHAT, writer });
    expect(await log.append(OTHER, [event(3)], { ...CHAT, writer })).toMatchObject({
      status: "appended",
      first: 1,
    });
    await log.append(OTHER, [event(4)], { endsWriter: "run" });
    expect(await log.openWriters()).toEqual([{ stream: NAME, id: "run", epoch: 1 }]);
    const epochs = await Promise.all([NAME, OTHER].map(async (name) => (await log.info(name))?.epochs[0]));
    expect(epochs[0]?.epoch).not.toBe(epochs[1]?.epoch);
    await log.delete(NAME);
    expect(await log.openWriters()).toEqual([]);
    expect(await log.info(OTHER)).toMatchObject({ head: 2 });
  });

  withLog("says when each event was appended", open, async (log, { setNow }) => {
    for (const at of [5_000, 6_000]) {
      setNow(at);
      await log.append(NAME, [event(at), event(at)], LOG);
    }
    const { entries } = await readAll(log);
    expect(entries.map(({ at }) => at)).toEqual([5_000, 5_000, 6_000, 6_000]);
  });
}

/** Appends without awaiting, over many turns of the loop, and looks after each turn. */
async function whileAppending(
  count: number,
  append: (n: number) => ReturnType<Log["append"]>,
  look: () => Promise<void>,
): Promise<void> {
  const underWay: Promise<unknown>[] = [];
  const failures: unknown[] = [];
  for (let n = 1; n <= count; n++) {
    underWay.push(append(n));
    underWay.push(look().catch((failure: unknown) => failures.push(failure)));
    if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(underWay);
  await look();
  if (failures.length > 0)
    throw new Error(`${failures.length} of ${count} looks failed`, { cause: failures[0] });
}

function batch(n: number): NewEvent[] {
  return Array.from({ length: 5 }, (_, index) => event(n * 5 + index));
}

function keyed(key: string, n: number): NewEvent {
  return { data: JSON.stringify({ key, n }), key };
}
