import { expect } from "vitest";
import type { Commit } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { LOG, NAME, event, readAll, readNumbers, withLog } from "./support.ts";

export function testStreams(open: OpenLog): void {
  withLog("creates a stream once, and refuses another kind", open, async (log) => {
    expect(await log.info(NAME)).toBeUndefined();
    const created = await log.create(NAME, { kind: "log" });
    expect(created).toMatchObject({
      status: "created",
      info: { kind: "log", head: 0, floor: 1, isClosed: false },
    });
    expect(await log.create(NAME, { kind: "log" })).toEqual({ status: "exists", info: created.info });
    expect(await log.create(NAME, { kind: "state" })).toMatchObject({ status: "kind-conflict" });
    await log.append(NAME, [event(1)]);
    expect(await readNumbers(log)).toEqual([1]);
  });

  withLog("gives offsets from 1 on, contiguous over batches, and cursors of one epoch", open, async (log) => {
    expect(await log.append(NAME, [event(1)])).toEqual({ status: "missing" });
    const first = await log.append(NAME, [event(1), event(2), event(3)], LOG);
    const second = await log.append(NAME, [event(4)], LOG);
    const { info } = await readAll(log);
    const epoch = info.epochs[0]?.epoch;
    expect(epoch).toMatch(/^[0-9a-z]{8,10}$/);
    expect(first).toEqual({ status: "appended", first: 1, last: 3, cursor: `${epoch}.3` });
    expect(second).toEqual({ status: "appended", first: 4, last: 4, cursor: `${epoch}.4` });
    expect(info).toMatchObject({ epochs: [{ epoch, from: 1 }], head: 4, floor: 1 });
  });

  withLog("keeps the order of 500 appends that nobody awaits, from cold", open, async (log) => {
    const outcomes = await Promise.all(
      Array.from({ length: 500 }, (_, n) => log.append(NAME, [event(n)], LOG)),
    );
    expect(outcomes.map((outcome) => outcome.status === "appended" && outcome.first)).toEqual(
      Array.from({ length: 500 }, (_, n) => n + 1),
    );
    expect(await readNumbers(log)).toEqual(Array.from({ length: 500 }, (_, n) => n));
  });

  withLog("reads what follows an offset, in pages of any size", open, async (log) => {
    for (let n = 1; n <= 30; n += 3) await log.append(NAME, [event(n), event(n + 1), event(n + 2)], LOG);
    for (const after of [0, 1, 2, 3, 15, 29, 30]) {
      const rest = Array.from({ length: 30 - after }, (_, index) => after + index + 1);
      for (const limit of [{ maxEntries: 1 }, { maxEntries: 4 }, { maxLength: 1 }, { maxLength: 25 }, {}]) {
        expect(await readNumbers(log, after, limit)).toEqual(rest);
      }
    }
    expect(await log.read(NAME, 30)).toMatchObject({ status: "page", entries: [] });
  });

  withLog("takes nothing after the append that closes", open, async (log) => {
    expect(await log.append(NAME, [event(1)], { ...LOG, close: true })).toMatchObject({ status: "appended" });
    const { info } = await readAll(log);
    expect(info.isClosed).toBe(true);
    const refused = await log.append(NAME, [event(2)], LOG);
    expect(refused).toEqual({ status: "closed", cursor: `${info.epochs[0]?.epoch}.1` });
    expect(await log.append(NAME, [], { close: true })).toMatchObject({ status: "closed" });
    expect(await readNumbers(log)).toEqual([1]);
  });

  withLog("closes without an event", open, async (log) => {
    await log.append(NAME, [event(1)], LOG);
    expect(await log.append(NAME, [], { close: true })).toMatchObject({ status: "appended", last: 1 });
    expect(await log.info(NAME)).toMatchObject({ head: 1, isClosed: true });
  });

  withLog("refuses an event that is too large, and makes no stream for it", open, async (log) => {
    const data = JSON.stringify("x".repeat(262_144));
    await expect(log.append(NAME, [{ data }], LOG)).rejects.toMatchObject({ code: "event-too-large" });
    expect(await log.info(NAME)).toBeUndefined();
    await expect(log.append(NAME, [event(1)])).resolves.toEqual({ status: "missing" });
  });

  withLog("begins anew after a deletion: another epoch, from 1", open, async (log) => {
    await log.append(NAME, [event(1), event(2)], LOG);
    const former = await log.info(NAME);
    expect(await log.delete(NAME)).toBe(true);
    expect(await log.delete(NAME)).toBe(false);
    expect(await log.info(NAME)).toBeUndefined();
    expect(await log.read(NAME, 0)).toEqual({ status: "missing" });
    await log.append(NAME, [event(3)], LOG);
    expect(await readNumbers(log)).toEqual([3]);
    expect((await log.info(NAME))?.epochs).not.toEqual(former?.epochs);
  });

  withLog("tells who watches of each commit in order, when it can be read", open, async (log) => {
    const seen: string[] = [];
    const reads: Promise<void>[] = [];
    const unwatch = log.watch(NAME, (commit: Commit) => {
      if (commit.type !== "appended") {
        seen.push(commit.type);
        return;
      }
      seen.push(commit.entries.map(({ offset }) => offset).join(","));
      const { head, isClosed } = commit.info;
      seen.push(`head ${head}${isClosed ? " closed" : ""}`);
      reads.push(
        log.read(NAME, 0).then((page) => {
          expect(page.status === "page" && (page.entries.at(-1)?.offset ?? 0) >= head).toBe(true);
        }),
      );
    });
    await Promise.all([
      log.append(NAME, [event(1), event(2)], LOG),
      log.append(NAME, [event(3)], { ...LOG, close: true }),
    ]);
    await expect.poll(() => seen).toEqual(["1,2", "head 2", "3", "head 3 closed"]);
    await Promise.all(reads);
    await log.delete(NAME);
    await expect.poll(() => seen.at(-1)).toBe("deleted");
    unwatch();
    const count = seen.length;
    await log.append(NAME, [event(4)], LOG);
    await log.info(NAME);
    expect(seen).toHaveLength(count);
  });

  withLog("tells of 2,000 pipelined commits in rising order", open, async (log) => {
    const heads: number[] = [];
    log.watch(NAME, (commit) => {
      if (commit.type === "appended") heads.push(commit.info.head);
    });
    const appends = [];
    for (let n = 1; n <= 2_000; n++) {
      appends.push(log.append(NAME, [event(n)], LOG));
      // Turns of the loop between them spread them over several transactions.
      if (n % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(appends);
    await expect.poll(() => heads.length).toBe(2_000);
    expect(heads).toEqual(Array.from({ length: 2_000 }, (_, n) => n + 1));
  });

  withLog("keeps everything when it is opened again", open, async (log, { reopen }) => {
    await log.append(NAME, [event(1), event(2)], LOG);
    const before = await log.info(NAME);
    if (reopen === undefined) return;
    const again = await reopen();
    expect(await again.info(NAME)).toEqual(before);
    expect(await readNumbers(again)).toEqual([1, 2]);
    expect(await again.append(NAME, [event(3)])).toMatchObject({ status: "appended", first: 3 });
  });
}
