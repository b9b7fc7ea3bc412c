import { expect } from "vitest";
import type { Log } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { CHAT, NAME, event, readNumbers, withLog } from "./support.ts";

export function testWriters(open: OpenLog): void {
  withLog("answers a step that was taken before with its first answer", open, async (log, { reopen }) => {
    const first = await step(log, 0, 1);
    const second = await step(log, 1, 2);
    await step(log, 2, 3);
    expect(await step(log, 1, 2)).toEqual({ ...second, status: "repeated" });
    const again = (await reopen?.()) ?? log;
    expect(await step(again, 0, 1)).toEqual({ ...first, status: "repeated" });
    expect(await readNumbers(again)).toEqual([1, 2, 3]);
    expect(await step(again, 3, 4)).toMatchObject({ status: "appended", first: 4 });
  });

  withLog("never takes a step again, however old, and remembers 16 under way", open, async (log) => {
    const outcomes = await Promise.all(Array.from({ length: 40 }, (_, seq) => step(log, seq, seq)));
    for (const [seq, outcome] of outcomes.entries()) {
      const again = await step(log, seq, 99);
      // What is too old to be known is refused; it is not appended.
      const tooOld = { status: "sequence-gap", expected: 40 };
      expect([{ ...outcome, status: "repeated" }, ...(seq < 24 ? [tooOld] : [])]).toContainEqual(again);
    }
    expect(await readNumbers(log)).toEqual(Array.from({ length: 40 }, (_, seq) => seq));
  });

  withLog("begins each epoch of a writer at step 0", open, async (log) => {
    await step(log, 0, 1);
    expect(await step(log, 1, 2, 2)).toEqual({ status: "sequence-gap", expected: 0 });
    expect(await step(log, 0, 2, 2)).toMatchObject({ status: "appended", first: 2 });
    expect(await step(log, 1, 3, 2)).toMatchObject({ status: "appended", first: 3 });
  });

  withLog("takes a step once that is sent twice at the same time", open, async (log) => {
    const [first, second] = await Promise.all([step(log, 0, 1), step(log, 0, 1)]);
    expect(first).toMatchObject({ status: "appended", last: 1 });
    expect(second).toEqual({ ...first, status: "repeated" });
    expect(await readNumbers(log)).toEqual([1]);
  });

  withLog("refuses a step that leaves one out", open, async (log) => {
    expect(await step(log, 1, 1)).toEqual({ status: "sequence-gap", expected: 0 });
    await step(log, 0, 1);
    expect(await step(log, 2, 3)).toEqual({ status: "sequence-gap", expected: 1 });
    expect(await readNumbers(log)).toEqual([1]);
  });

  withLog("fences a writer of a former epoch", open, async (log) => {
    await step(log, 0, 1);
    expect(await step(log, 0, 2, 2)).toMatchObject({ status: "appended" });
    expect(await step(log, 1, 9)).toEqual({ status: "fenced", epoch: 2 });
    expect(await readNumbers(log)).toEqual([1, 2]);
  });

  withLog("lets the first end win, and refuses what the writer still sends", open, async (log) => {
    await step(log, 0, 1);
    const late = [step(log, 1, 2), log.append(NAME, [event(99)], { endsWriter: "run" }), step(log, 2, 3)];
    const [before, end, after] = await Promise.all(late);
    expect(before).toMatchObject({ status: "appended" });
    expect(end).toMatchObject({ status: "appended", last: 3 });
    expect(after).toEqual({ status: "ended" });
    expect(await log.append(NAME, [event(98)], { endsWriter: "run" })).toEqual({ status: "ended" });
    expect(await step(log, 0, 7, 5)).toEqual({ status: "ended" });
    expect(await log.append(NAME, [event(4)])).toMatchObject({ status: "appended" });
    expect(await readNumbers(log)).toEqual([1, 2, 99, 4]);
  });

  withLog("repeats a writer's own end, also after it closed the stream", open, async (log) => {
    await step(log, 0, 1);
    const options = { writer: { id: "run", epoch: 1, seq: 1 }, endsWriter: "run", close: true };
    const end = await log.append(NAME, [event(2)], options);
    expect(end).toMatchObject({ status: "appended", last: 2 });
    expect(await log.append(NAME, [event(2)], options)).toEqual({ ...end, status: "repeated" });
    expect(await readNumbers(log)).toEqual([1, 2]);
  });

  withLog("refuses a writer that was ended before it began", open, async (log) => {
    await log.append(NAME, [event(1)], { ...CHAT, endsWriter: "run" });
    expect(await step(log, 0, 2)).toEqual({ status: "ended" });
  });

  withLog("lets a sole writer begin only where no other is open", open, async (log, { reopen }) => {
    const sole = (id: string, n: number) =>
      log.append(NAME, [event(n)], { ...CHAT, writer: { id, epoch: 1, seq: 0 }, isSole: true });
    const [first, second] = await Promise.all([sole("run", 1), sole("other", 2)]);
    expect(first).toMatchObject({ status: "appended", last: 1 });
    expect(second).toEqual({ status: "occupied", writer: "run" });
    expect(await sole("run", 1)).toMatchObject({ status: "repeated", last: 1 });
    log = (await reopen?.()) ?? log;
    expect(await sole("other", 2)).toEqual({ status: "occupied", writer: "run" });
    await log.append(NAME, [event(3)], { endsWriter: "run" });
    expect(await sole("other", 4)).toMatchObject({ status: "appended" });
    expect(await readNumbers(log)).toEqual([1, 3, 4]);
  });

  withLog("lists the writers that have begun and not ended", open, async (log, { reopen }) => {
    expect(await log.openWriters()).toEqual([]);
    await step(log, 0, 1);
    await step(log, 1, 2);
    await log.append(NAME, [event(3)], { writer: { id: "other", epoch: 1, seq: 0 } });
    await log.append(NAME, [event(4)], { endsWriter: "other" });
    const again = (await reopen?.()) ?? log;
    expect(await again.openWriters()).toEqual([{ stream: NAME, id: "run", epoch: 1 }]);
    await again.append(NAME, [event(5)], { endsWriter: "run" });
    expect(await again.openWriters()).toEqual([]);
  });
}

function step(log: Log, seq: number, n: number, epoch = 1) {
  return log.append(NAME, [event(n)], { ...CHAT, writer: { id: "run", epoch, seq } });
}
