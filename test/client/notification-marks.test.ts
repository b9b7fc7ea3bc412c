import fc from "fast-check";
import { expect, test } from "vitest";
import {
  addMarks,
  countReadThrough,
  lastReadAll,
  muteMark,
  mutedTopics,
  readAllMarks,
  readMarks,
  topicOf,
} from "../../src/client/notification-marks.ts";
import type { Mark, Marks } from "../../src/client/notification-marks.ts";

const NONE: Marks = new Map<string, Mark>();
const cursors = (epoch: string, from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, at) => `${epoch}.${from + at}`);

test("everything up to a mark is read, and nothing behind it", () => {
  const marks = addMarks(NONE, readAllMarks(NONE, "aaaaaaaa.7"));
  expect(countReadThrough(marks, cursors("aaaaaaaa", 5, 9))).toBe(3);
  expect(countReadThrough(marks, cursors("aaaaaaaa", 8, 9))).toBe(0);
  expect(countReadThrough(NONE, cursors("aaaaaaaa", 1, 9))).toBe(0);
  expect(lastReadAll(marks)).toBe("aaaaaaaa.7");
});

test("a mark holds for what stands before it, in an older epoch too, and never for what took a lost one's place", () => {
  const before = [...cursors("aaaaaaaa", 1, 3), ...cursors("bbbbbbbb", 4, 6)];
  expect(countReadThrough(addMarks(NONE, readAllMarks(NONE, "bbbbbbbb.5")), before)).toBe(5);
  // 4 to 9 of the first epoch were lost, and 4 to 6 are others.
  expect(countReadThrough(addMarks(NONE, readAllMarks(NONE, "aaaaaaaa.9")), before)).toBe(3);
  // The stream was deleted and made again.
  expect(countReadThrough(addMarks(NONE, readAllMarks(NONE, "cccccccc.9")), before)).toBe(0);
});

test("two tabs that mark all as read at once do not undo each other, in whatever order they are taken", () => {
  const offset = fc.integer({ min: 1, max: 50 });
  fc.assert(
    fc.property(offset, offset, fc.array(offset, { maxLength: 5 }), (one, other, singles) => {
      const single = singles.map((at): Mark => ({ type: "read", key: `aaaaaaaa.${at}` }));
      const base = addMarks(NONE, single);
      const says = [one, other].map((at) => readAllMarks(base, `aaaaaaaa.${at}`));
      const all = cursors("aaaaaaaa", 1, 60);
      for (const order of [says, says.toReversed()]) {
        const marks = order.reduce(addMarks, base);
        expect(countReadThrough(marks, all)).toBe(Math.max(one, other));
      }
    }),
  );
});

test("a mark for all takes away those for single ones, in one append of at most 1,000", () => {
  const base = addMarks(
    NONE,
    cursors("aaaaaaaa", 1, 1_500).map((key) => ({ type: "read", key })),
  );
  const said = readAllMarks(addMarks(base, [muteMark("builds", true)]), "aaaaaaaa.1500");
  expect(said).toHaveLength(1_000);
  expect(said.at(-1)).toEqual({ type: "read", key: "aaaaaaaa.1500", all: true });
  expect(said.some((mark) => "topic" in mark || mark.key.startsWith("mute/"))).toBe(false);
});

test("a mark for one takes away those of what is kept no longer, and none that says all", () => {
  const base = [
    ...readAllMarks(NONE, "aaaaaaaa.2"),
    ...readMarks(NONE, "aaaaaaaa.3"),
    ...readMarks(NONE, "aaaaaaaa.5"),
  ];
  const kept = cursors("aaaaaaaa", 4, 9).map((cursor) => ({ cursor }));
  expect(readMarks(addMarks(NONE, base), "aaaaaaaa.6", kept)).toEqual([
    { key: "aaaaaaaa.3", deleted: true },
    { type: "read", key: "aaaaaaaa.6" },
  ]);
  expect(readMarks(addMarks(NONE, base), "aaaaaaaa.6")).toEqual([{ type: "read", key: "aaaaaaaa.6" }]);
});

test("topics are muted and unmuted; one that is no word, or too long for a key, is none", () => {
  const marks = addMarks(NONE, [muteMark("a", true), muteMark("b", true), muteMark("a", false)]);
  expect(mutedTopics(marks)).toEqual(["b"]);
  expect(["x".repeat(200), "x".repeat(201), "", 7].map((topic) => topicOf({ topic })?.length)).toEqual([
    200,
    undefined,
    undefined,
    undefined,
  ]);
});
