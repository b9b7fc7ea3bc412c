import { expect } from "vitest";
import type { Log, NewEvent } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { CHAT, NAME, delta, foldTexts, readAll, textOf, withLog } from "./support.ts";

const start: NewEvent = { data: '{"type":"message-start","message":"m"}' };
const end: NewEvent = { data: '{"type":"message-end","message":"m"}' };

export function testChat(open: OpenLog): void {
  withLog("merges neighbouring deltas of one message, and nothing else", open, async (log) => {
    const deltas = [
      delta("a", "m", "reasoning-delta"),
      delta("b"),
      delta("c"),
      delta("d", "other"),
      delta("e"),
    ];
    await log.append(NAME, [start, ...deltas, end], CHAT);
    const { entries } = await readAll(log);
    expect(entries.map(({ offset, span }) => [offset, span])).toEqual([
      [1, 1],
      [2, 1],
      [4, 2],
      [5, 1],
      [6, 1],
      [7, 1],
    ]);
    expect(JSON.parse(entries[2]?.data ?? "")).toEqual({
      type: "text-delta",
      message: "m",
      text: "bc",
      span: 2,
    });
  });

  withLog(
    "gives the same text from any cursor, cut at any size, before and after it is rewritten",
    open,
    async (log, harness) => {
      // The wave is two code units: cut between them, the text must still be whole.
      const texts = Array.from({ length: 2_600 }, (_, n) =>
        n % 50 === 0 ? "\ud83c" : n % 50 === 1 ? "\udf0a" : ` w${n}`,
      );
      await log.append(NAME, [start], CHAT);
      for (let n = 0; n < texts.length; n += 13)
        await log.append(
          NAME,
          texts.slice(n, n + 13).map((text) => delta(text)),
        );
      await expectEveryCut(log, texts, 97);
      await log.append(NAME, [end], { close: true });
      await expectEveryCut(log, texts, 41);
      const again = (await harness.reopen?.()) ?? log;
      await expectEveryCut(again, texts, 41);
      const { entries } = await readAll(again, 0, { maxLength: 1_000_000 });
      expect(entries.length, "comes in few pieces").toBeLessThan(8);
    },
  );

  withLog("keeps messages and their reasoning apart at every cursor over segments", open, async (log) => {
    // 40 of each kind in turn, so that segments end in every kind and at its edges; a message ends after each 500.
    const events = Array.from({ length: 2_300 }, (_, n): NewEvent => {
      if (n % 500 === 499) return end;
      const kind = Math.floor(n / 40) % 4;
      return delta(`${n} `, kind < 2 ? "m" : "other", kind % 2 === 0 ? "text-delta" : "reasoning-delta");
    });
    for (let n = 0; n < events.length; n += 10) {
      const isEnd = events.slice(n, n + 10).includes(end);
      await log.append(NAME, events.slice(n, n + 10), { ...CHAT, ...(isEnd && { endsWriter: `run${n}` }) });
    }
    for (let after = 0; after <= events.length; after++) {
      const { entries } = await readAll(log, after, { maxLength: 2_000_000, maxEntries: 10_000 });
      if (after % 20 === 0) expect(foldTexts(entries)).toEqual(foldTexts(events.slice(after)));
      const spans = entries.reduce((sum, { span }) => sum + span, 0);
      expect(spans, `after ${after}`).toBe(events.length - after);
      const first = JSON.parse(entries[0]?.data ?? "{}") as { text?: string };
      const whole = foldTexts(events.slice(after, after + (entries[0]?.span ?? 0)));
      if (first.text !== undefined) expect(whole).toEqual(foldTexts(entries.slice(0, 1)));
    }
  });

  withLog("bounds a merged delta at 64 KiB of text", open, async (log) => {
    const text = "x".repeat(10_000);
    await log.append(
      NAME,
      Array.from({ length: 20 }, () => delta(text)),
      { ...CHAT, close: true },
    );
    const { entries } = await readAll(log, 0, { maxLength: 1_000_000 });
    expect(Math.max(...entries.map(({ data }) => data.length))).toBeLessThan(66_000);
    expect(textOf(entries)).toBe(text.repeat(20));
  });

  withLog("is never trimmed in part", open, async (log) => {
    for (let n = 0; n < 12_000; n += 1_000) {
      await log.append(
        NAME,
        Array.from({ length: 1_000 }, (_, index) => delta(`${n + index} `)),
        CHAT,
      );
    }
    const { entries, info } = await readAll(log);
    expect(info).toMatchObject({ floor: 1, head: 12_000 });
    expect(entries.reduce((sum, { span }) => sum + span, 0)).toBe(12_000);
  });
}

/** Reads from cursors all over the stream, in small pages. The first event is the start, so text `n` stands at offset `n + 2`. */
async function expectEveryCut(log: Log, texts: readonly string[], step: number): Promise<void> {
  const last = texts.length + 1;
  const cursors = new Set([0, 1, 2, 999, 1_000, 1_001, 1_002, 2_001, 2_002, last - 1, last]);
  for (let after = 0; after <= last; after += step) cursors.add(after);
  for (const after of cursors) {
    const { entries } = await readAll(log, after, { maxLength: 1 + ((after * 37) % 3_000) });
    expect(textOf(entries), `after ${after}`).toBe(texts.slice(Math.max(0, after - 1)).join(""));
  }
}
