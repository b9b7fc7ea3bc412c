import { expect } from "vitest";
import type { OpenLog } from "../conformance.ts";
import { LOG, NAME, event, readNumbers, withLog } from "./support.ts";

export function testRetention(open: OpenLog): void {
  withLog("keeps the last events by number, raises the floor and keeps the epoch", open, async (log) => {
    await log.create(NAME, { kind: "log", retention: { maxEvents: 10 } });
    const before = await log.info(NAME);
    for (let n = 1; n <= 30; n += 3) await log.append(NAME, [event(n), event(n + 1), event(n + 2)]);
    expect(await log.info(NAME)).toMatchObject({ floor: 21, head: 30, epochs: before?.epochs });
    expect(await log.read(NAME, 19)).toMatchObject({ status: "trimmed" });
    expect(await readNumbers(log, 20)).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  });

  withLog("cuts inside a batch that is longer than what is kept", open, async (log, { reopen }) => {
    await log.create(NAME, { kind: "log", retention: { maxEvents: 10 } });
    await log.append(
      NAME,
      Array.from({ length: 25 }, (_, n) => event(n + 1)),
    );
    const again = (await reopen?.()) ?? log;
    expect(await again.info(NAME)).toMatchObject({ floor: 16, head: 25 });
    expect(await again.read(NAME, 14)).toMatchObject({ status: "trimmed" });
    expect(await readNumbers(again, 15)).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  });

  withLog("keeps the last events by size", open, async (log) => {
    await log.create(NAME, { kind: "log", retention: { maxBytes: 70 } });
    for (let n = 10; n < 40; n++) await log.append(NAME, [event(n)]);
    const info = await log.info(NAME);
    expect(info?.floor).toBeGreaterThan(15);
    expect(info?.floor).toBeLessThan(28);
    expect(await log.read(NAME, 0)).toMatchObject({ status: "trimmed" });
  });

  withLog("keeps events by age", open, async (log, { setNow }) => {
    await log.create(NAME, { kind: "log", retention: { maxAgeMs: 1_000 } });
    setNow(5_000);
    await log.append(NAME, [event(1)]);
    setNow(5_900);
    await log.append(NAME, [event(2)]);
    setNow(6_500);
    await log.append(NAME, [event(3)]);
    expect(await log.info(NAME)).toMatchObject({ floor: 2, head: 3 });
    expect(await readNumbers(log, 1)).toEqual([2, 3]);
  });

  withLog("keeps at most 10,000 events unless it is told otherwise, also in flight", open, async (log) => {
    const batch = Array.from({ length: 1_000 }, (_, n) => event(n));
    await Promise.all(Array.from({ length: 25 }, () => log.append(NAME, batch, LOG)));
    await log.append(NAME, [event(1)], LOG);
    expect(await log.info(NAME)).toMatchObject({ floor: 15_002, head: 25_001 });
    expect(await readNumbers(log, 15_001)).toHaveLength(10_000);
  });

  withLog("keeps a closed stream for its time", open, async (log, { setNow }) => {
    setNow(1_000);
    await log.append(NAME, [event(1)], {
      create: { kind: "log", retention: { closedTtlMs: 500 } },
      close: true,
    });
    setNow(1_400);
    expect(await log.info(NAME)).toMatchObject({ isClosed: true });
    setNow(1_500);
    expect(await log.info(NAME)).toBeUndefined();
    expect(await log.append(NAME, [event(9)])).toEqual({ status: "missing" });
    await log.append(NAME, [event(2)], LOG);
    expect(await readNumbers(log)).toEqual([2]);
  });
}
