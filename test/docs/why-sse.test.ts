import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const read = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), "utf8");
const guide = read("docs/guide/why-sse.md");
const results = read("bench/RESULTS.md");
const SECTIONS: Record<string, string> = { transports: "Transports", cuts: "Cuts survived" };

const cells = (line: string) =>
  line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());

/** The table that follows a place in a text: its head, and its rows. */
function tableAfter(text: string, place: string): { head: string[]; rows: string[][] } {
  const from = text.indexOf(place);
  expect(from, place).toBeGreaterThan(-1);
  const lines = /\n\n((?:\|.*\|\n)+)/.exec(text.slice(from))?.[1]?.trim().split("\n") ?? [];
  const [head = "", , ...rows] = lines;
  return { head: cells(head), rows: rows.map(cells) };
}

const tables = [...guide.matchAll(/<!-- bench: ([\w-]+) \/ (.+?) -->/g)].map(
  ([comment, scenario = "", name = ""]) => ({
    comment,
    scenario,
    name,
  }),
);

test.each(tables)("the figures of $scenario, $name in the guide are those of RESULTS.md", (table) => {
  const section = results.slice(results.indexOf(`\n## ${SECTIONS[table.scenario] ?? "?"}`));
  const measured = tableAfter(section, `\n### ${table.name}\n`);
  const shown = tableAfter(guide, table.comment);
  expect(shown.rows.map(([contestant]) => contestant)).toEqual(
    measured.rows.map(([contestant]) => contestant),
  );
  for (const [index, column] of shown.head.entries()) {
    const at = measured.head.indexOf(column);
    expect(at, column).toBeGreaterThan(-1);
    expect(shown.rows.map((row) => row[index])).toEqual(measured.rows.map((row) => row[at]));
  }
});

test("the guide shows tables and charts of the benchmark", () => {
  expect(tables.length).toBeGreaterThan(6);
  expect([...guide.matchAll(/bench\/charts\/[\w-]+\.svg/g)].length).toBeGreaterThan(3);
});
