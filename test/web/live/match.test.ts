import { expect, test } from "vitest";
import { readMatch, sortMatches } from "../../../web/live/match.ts";
import type { Match } from "../../../web/live/match.ts";
import { scoreCommand } from "../../../web/live/scoreboard.tsx";

const match: Match = { key: "m", teams: ["A", "B"], home: 0, away: 0, status: "live", began: 0, at: 0 };

test("what the page's own command publishes is a match, and what is left out has a plain meaning", () => {
  const event = /-d '(\{"type.*\})'/.exec(scoreCommand("http://127.0.0.1:4000"))?.[1] ?? "";
  expect(readMatch(JSON.parse(event) as object)).toMatchObject({
    teams: ["Otters", "Herons"],
    home: 2,
    away: 1,
    clock: "63′",
    status: "live",
  });
  expect(readMatch({ key: "m", home: 2 })).toEqual({ ...match, teams: ["Home", "Away"], home: 2 });
});

test.each([
  { type: "score", home: 1 },
  { key: "m", home: "2" },
  { key: "m", home: 1.5 },
  { key: "m", home: 1e9 },
  { key: "m", teams: ["A"] },
  { key: "m", teams: [{}, null] },
])("what is no match is not shown: %j", (event) => {
  expect(readMatch(event)).toBeUndefined();
});

test("names and clocks have an end", () => {
  const read = readMatch({ key: "m", teams: ["A".repeat(10_000), "B"], clock: "9".repeat(99) });
  expect(read?.teams[0]).toHaveLength(40);
  expect(read?.clock).toHaveLength(12);
});

test("what is played comes first, and a changed score moves nothing", () => {
  const all = [
    { ...match, key: "ended", status: "ended" as const, began: 1 },
    { ...match, key: "late", began: 3 },
    { ...match, key: "early", began: 2, home: 9 },
    { ...match, key: "b", began: 3 },
  ];
  expect(sortMatches(all).map(({ key }) => key)).toEqual(["early", "b", "late", "ended"]);
});
