import fc from "fast-check";
import { expect, test } from "vitest";
import type { Entry } from "../../src/protocol/event.ts";
import { cutSegment, deltaHead, deltaText, mergeEntries, toParts } from "../../src/protocol/merge.ts";
import { foldRun } from "../../src/protocol/run.ts";

const event = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("text-delta"),
      message: fc.constantFrom("m", "n"),
      text: fc.string({ unit: "binary" }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("reasoning-delta"),
      message: fc.constant("m"),
      text: fc.string(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("tool-input-delta"),
      message: fc.constant("m"),
      call: fc.constantFrom("call00a00", "call00a01"),
      text: fc.string(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("tool-input-start"),
      message: fc.constant("m"),
      call: fc.constantFrom("call00a00", "call00a01"),
      tool: fc.constant("weather"),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("message-end"),
      message: fc.constant("m"),
      run: fc.constant("r"),
      reason: fc.constant("stop"),
    }),
  },
);
/** Also texts that are cut inside a surrogate pair. */
const entries = fc
  .array(
    fc.oneof(
      event,
      fc.constant({ type: "text-delta", message: "m", text: "\ud83c" }),
      fc.constant({ type: "text-delta", message: "m", text: "\udf0a" }),
    ),
  )
  .map((list) =>
    list.map((data, index): Entry => ({ offset: index + 1, span: 1, at: index, data: JSON.stringify(data) })),
  );

test("merged folds to the same as unmerged, and merging again changes nothing", () => {
  fc.assert(
    fc.property(entries, (given) => {
      const merged = mergeEntries(given);
      expect(foldRun(merged)).toEqual(foldRun(given));
      expect(mergeEntries(merged)).toEqual(merged);
    }),
  );
});

test("spans add up, and each offset is the one before plus its span", () => {
  fc.assert(
    fc.property(entries, (given) => {
      let offset = 0;
      for (const entry of mergeEntries(given)) {
        offset += entry.span;
        expect(entry.offset).toBe(offset);
        expect((JSON.parse(entry.data) as { span?: number }).span ?? 1).toBe(entry.span);
      }
      expect(offset).toBe(given.length);
    }),
  );
});

test("a segment that is cut anywhere folds to what follows the cut", () => {
  fc.assert(
    fc.property(entries, fc.nat(40), fc.integer({ min: 1, max: 20 }), (given, after, maxLength) => {
      const rest: Entry[] = [];
      for (const part of toParts(given)) {
        if (!("lengths" in part)) {
          if (part.offset > after) rest.push(part);
          continue;
        }
        for (let last = after; ;) {
          const cut = cutSegment(part, last, maxLength);
          if (cut === undefined) break;
          expect(cut.offset).toBe(Math.max(last, part.first - 1) + cut.span);
          rest.push(cut);
          last = cut.offset;
        }
      }
      expect(foldRun(rest)).toEqual(foldRun(given.slice(after)));
    }),
  );
});

test("a delta's text is taken out of its JSON as it stands there, whatever is in it", () => {
  const text = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom('","text":"', '"}', '\\"}', '","text":"a"}', "\\", "\u2028\n", ""),
  );
  fc.assert(
    fc.property(text, fc.oneof(text, fc.constantFrom("m", '","text":"')), (said, message) => {
      const data = `${deltaHead("text-delta", message)}${JSON.stringify(said)}}`;
      expect(data).toBe(JSON.stringify({ type: "text-delta", message, text: said }));
      expect(JSON.parse(deltaText(data, "text-delta") ?? "")).toBe(said);
      expect(deltaText(data, "reasoning-delta")).toBeUndefined();
      expect(deltaText(data.replace(/\}$/, ',"span":2}'), "text-delta")).toBeUndefined();
    }),
  );
});
