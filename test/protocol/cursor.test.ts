import fc from "fast-check";
import { expect, test } from "vitest";
import {
  cursorAt,
  formatCursor,
  parseCursor,
  requireCursor,
  resolveCursor,
} from "../../src/protocol/cursor.ts";
import type { EpochLink } from "../../src/protocol/cursor.ts";

const epochs = ["aaaaaaaa", "bbbbbbbb9", "cccccccc00"];

/** A chain of up to three epochs, a head behind it and a floor in it. */
const range = fc
  .record({ lengths: fc.array(fc.nat(6), { minLength: 1, maxLength: 3 }), kept: fc.nat(20) })
  .map(({ lengths, kept }) => {
    let head = 0;
    const links: EpochLink[] = [];
    for (const [index, length] of lengths.entries()) {
      links.push({ epoch: epochs[index] ?? "", from: head + 1 });
      head += length;
    }
    return { epochs: links, head, floor: Math.max(1, head - kept + 1) };
  });
const cursor = fc.record({ epoch: fc.constantFrom(...epochs, "dddddddd"), offset: fc.nat(20) });

test("a cursor is read as it was written", () => {
  fc.assert(
    fc.property(cursor, (given) => {
      expect(parseCursor(formatCursor(given))).toEqual(given);
    }),
  );
});

test.each([
  "",
  "17",
  "aaaaaaaa",
  "aaaaaaaa.",
  "aaaaaaaa.01",
  "aaaaaaaa.-1",
  "aaaaaaaa.1e3",
  "AAAAAAAA.1",
  "aaaaaaa.1",
  "aaaaaaaaaaa.1",
  "aaaaaaaa.1 ",
  "aaaaaaaa.99999999999999999",
])("%j is no cursor", (text) => {
  expect(parseCursor(text)).toBeUndefined();
  expect(() => requireCursor(text)).toThrow(expect.objectContaining({ code: "invalid-cursor" }));
});

test("a cursor is honoured where it always meant the same place, and told why not elsewhere", () => {
  fc.assert(
    fc.property(range, cursor, ({ epochs: links, head, floor }, given) => {
      const outcome = resolveCursor({ epochs: links, head, floor }, given);
      const index = links.findIndex(({ epoch }) => epoch === given.epoch);
      const next = links[index + 1]?.from ?? Infinity;
      if (index === -1) expect(outcome).toEqual({ status: "reset", reason: "unknown-epoch", from: floor });
      else if (given.offset > head || given.offset >= next)
        expect(outcome).toEqual({ status: "reset", reason: "beyond-head", from: floor });
      else if (given.offset < floor - 1)
        expect(outcome).toEqual({ status: "reset", reason: "trimmed", from: floor });
      else expect(outcome).toEqual({ status: "honoured", after: given.offset });
    }),
  );
});

test("the cursor of every kept offset is honoured", () => {
  fc.assert(
    fc.property(range, ({ epochs: links, head, floor }) => {
      for (let offset = floor - 1; offset <= head; offset++) {
        const given = cursorAt(links, offset);
        expect(resolveCursor({ epochs: links, head, floor }, given)).toEqual({
          status: "honoured",
          after: offset,
        });
      }
    }),
  );
});
