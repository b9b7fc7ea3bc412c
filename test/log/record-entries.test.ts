import { expect, test } from "vitest";
import type { StreamInfo } from "../../src/log/log.ts";
import { readEntries } from "../../src/log/record-entries.ts";
import type { LogRecord } from "../../src/log/store.ts";

const BATCH = 32;
const TEXT = "x".repeat(16_384);
// What the reading looks at.
const INFO = { kind: "log", head: 10 * BATCH } as StreamInfo;

test("a slow reader's page takes one large record from the store, and none of those behind it", () => {
  let taken = 0;
  const records = function* (_: number, offset: number): Generator<LogRecord, void> {
    for (let first = offset - ((offset - 1) % BATCH); first < INFO.head; first += BATCH) {
      taken += 1;
      yield { type: "batch", first, at: 0, total: 0, events: Array.from({ length: BATCH }, () => TEXT) };
    }
  };
  for (const after of [0, 5, BATCH]) {
    taken = 0;
    const entries = readEntries({ records }, 1, INFO, after, { maxLength: TEXT.length });
    expect(entries.map(({ offset }) => offset)).toEqual([after + 1]);
    expect(taken).toBe(1);
  }
});
