import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = read("docs/guide/capacity.md");
const results = read("bench/RESULTS.md");

/** How busy a core may be, as the guide says. */
const BUSY = 0.7;

const cells = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

const number = (text: string) => Number(text.split(" ")[0]?.replaceAll(",", ""));
const rounded = (value: number) => Number(value.toPrecision(2)).toLocaleString("en-US");

/** The tables that a run of the benchmark fills: their heads, and their rows. */
const tables = [...guide.matchAll(/<!-- bench: capacity -->\n\n((?:\|.*\|\n)+)/g)].map(([, table = ""]) => {
  const [head = "", , ...rows] = table.trimEnd().split("\n");
  return { head: cells(head), rows: rows.map(cells) };
});
const [costs, loads] = tables;

/** What RESULTS.md says in a place: `section · row · contestant · column`. */
function measuredAt(place: string): string {
  const [section = "?", row, ...rest] = place.split(" · ");
  const column = rest.at(-1) ?? "?";
  const from = results.indexOf(`\n## ${section}`);
  expect(from, section).toBeGreaterThan(-1);
  const [head = "", , ...rows] =
    /\n\n((?:\|.*\|\n)+)/.exec(results.slice(from))?.[1]?.trimEnd().split("\n") ?? [];
  const found = rows.map(cells).find((each) => each[0] === row && (rest.length === 1 || each[1] === rest[0]));
  const text = found?.[cells(head).indexOf(column)];
  expect(text, place).toBeDefined();
  return text?.split(" (")[0] ?? "";
}

test.each(costs?.rows ?? [])("%s costs what RESULTS.md says, and a core carries what follows", (...row) => {
  const [, place = "", measured = "", carried = ""] = row;
  expect(measured).toBe(measuredAt(place));
  const value = number(measured);
  const isMemory = place.includes("KiB");
  const each = place.includes("µs") ? 1e6 : 1e3;
  expect(carried.split(" ")[0]).toBe(rounded(isMemory ? 1_048_576 / value : (BUSY * each) / value));
  expect(carried).toMatch(isMemory ? / in a GiB$/ : / a second$/);
});

test.each(loads?.rows ?? [])("%s: the example takes so many cores as follows", (...row) => {
  const [, perSecond = "", place = "", cores = ""] = row;
  expect(cores).toBe(rounded((number(perSecond) * number(measuredAt(place))) / 1e6));
});

test("the guide has both tables, with what one Redis carries", () => {
  expect(costs?.rows.length).toBeGreaterThan(7);
  expect(loads?.rows.length).toBeGreaterThan(3);
  expect(costs?.rows.some(([, place = ""]) => place.includes("appends to Redis"))).toBe(true);
});
