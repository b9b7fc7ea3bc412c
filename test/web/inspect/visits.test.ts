import { expect, test } from "vitest";
import { boundsOf, lanesOf } from "../../../web/inspect/lanes.ts";
import type { Gone, Reader, Timeline } from "../../../web/inspect/looks.ts";
import { fateOf, visitsOf } from "../../../web/inspect/visits.ts";

const place = (from: number, cursor: number, lag = 0) => [
  { stream: "s", from: `e1234567.${from}`, cursor: `e1234567.${cursor}`, lag },
];
const reader = (id: number, cameAt: number, more: Partial<Reader> = {}): Reader => ({
  id,
  cameAt,
  who: "ann",
  transport: "socket",
  began: "new",
  state: "live",
  bytes: 0,
  replayedBytes: 0,
  streams: place(0, 9),
  ...more,
});
const gone = (id: number, cameAt: number, leftAt: number, more: Partial<Gone> = {}): Gone => ({
  ...reader(id, cameAt),
  leftAt,
  why: "left",
  ...more,
});
const timeline = (more: Partial<Timeline>): Timeline => ({
  at: 100_000,
  total: 0,
  stream: "s",
  readers: [],
  gone: [],
  runs: [],
  reports: [],
  events: [],
  ...more,
});
const idsOf = (of: Timeline) => visitsOf(of).map((visit) => visit.map(({ id }) => id));

test("who comes back with a cursor that was sent to it is the same reader", () => {
  const came = gone(1, 1_000, 2_000, { streams: place(0, 5) });
  const back = reader(2, 3_000, { began: "resumed", streams: place(4, 9) });
  expect(idsOf(timeline({ gone: [came], readers: [back] }))).toEqual([[1, 2]]);
});

test.each<[string, Partial<Reader>]>([
  ["somebody else", { who: "bob" }],
  ["who begins anew", { began: "new" }],
  ["who had more than was sent", { streams: place(6, 9) }],
  ["who came while the other was there", { cameAt: 500 }],
])("%s is another reader", (_, more) => {
  const came = gone(1, 400, 2_000, { streams: place(0, 5) });
  const back = reader(2, 3_000, { began: "resumed", streams: place(5, 9), ...more });
  expect(idsOf(timeline({ gone: [came], readers: [back] }))).toHaveLength(2);
});

test("says what became of an event on its way to a reader", () => {
  const came = gone(1, 1_000, 2_000, { streams: place(2, 5) });
  const back = reader(2, 3_000, { began: "resumed", streams: place(5, 9, 1) });
  const fate = (offset: number, at?: number) =>
    fateOf([came, back], "s", { offset, ...(at !== undefined && { at }) });
  expect(fate(2)).toBe("began after #2, so that it had #2 already, or did not want it");
  expect(fate(4, 1_500)).toBe("was sent #4, live");
  expect(fate(7, 2_500)).toBe("was sent #7, replayed");
  // Of a state it was replaced: nobody knows when it was sent, or whether.
  expect(fate(4)).toBe("is past #4, which is not kept any more: it was sent that, or what came in its place");
  expect(fate(10)).toBe("has not been sent #10: it stands at #9, live");
  expect(fateOf([came], "s", { offset: 6 })).toBe("went at #5, before #6 was sent, and has not come back");
});

test("what became of an event is said of that event, of those that it was merged with, and of no other", () => {
  const events = [3, 9].map((offset) => ({
    cursor: `e1234567.${offset}`,
    at: offset * 1_000,
    span: 2,
    length: 1,
  }));
  const words = (sought: number) =>
    lanesOf(timeline({ readers: [reader(1, 5_000)], events }), sought).find(({ kind }) => kind === "reader")
      ?.words;
  expect(words(1)).toMatch(/^is past #1, which is not kept/);
  for (const sought of [2, 3]) expect(words(sought)).toMatch(new RegExp(`^was sent #${sought}, replayed`));
  expect(words(7)).toMatch(/^is past #7/);
  for (const sought of [8, 9]) expect(words(sought)).toMatch(new RegExp(`^was sent #${sought}, live`));
});

test("a reader that was cut and came back is one line: replay, live, away, and why", () => {
  const came = gone(1, 1_000, 2_000, { caughtUpAt: 1_100, why: "cut", streams: place(0, 5) });
  const back = reader(2, 3_000, { began: "resumed", caughtUpAt: 3_050, streams: place(5, 9) });
  const lane = lanesOf(timeline({ gone: [came], readers: [back] })).find(({ kind }) => kind === "reader");
  expect(lane?.stretches).toEqual([
    { from: 1_000, to: 1_100, tone: "replay" },
    { from: 1_100, to: 2_000, tone: "past" },
    { from: 2_000, to: 3_000, tone: "away" },
    { from: 3_000, to: 3_050, tone: "replay" },
    { from: 3_050, to: 100_000, tone: "live" },
  ]);
  expect(lane?.marks).toEqual([{ at: 2_000, tone: "broken" }]);
  expect(boundsOf(lane === undefined ? [] : [lane])).toEqual({ from: 1_000, to: 100_000 });
});
