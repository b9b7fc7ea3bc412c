import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeCapacity } from "./capacity-table.mjs";
import { describeMachine } from "./machine.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const KEPT = join(HERE, "results", "nodes.json");
const RESULTS = join(HERE, "RESULTS.md");

/** As it is when the run begins: one may take an hour, in which others are made. */
const { commit } = describeMachine(join(HERE, ".."));

/** What is measured by a command of its own, in the order of RESULTS.md, and under which heading it stands there. */
const PARTS = {
  torture: "Several nodes",
  drain: "Several nodes",
  redis: "Several nodes",
  "redis-appends": "Several nodes",
  soak: "Under strain",
  "slow-connections": "Under strain",
  fuzz: "Under strain",
};
const GUIDED = ["torture", "drain", "redis", "redis-appends"];
const FIRST = new RegExp(`\\n## (${[...new Set(Object.values(PARTS))].join("|")})`);

/** What a part has measured. A row is under its first cell: measured again, it takes the place of what stood there.
 *  @typedef {{title: string, command: string, columns: string[], rows: string[][], notes: string[],
 *           chart?: {title: string, file: string}}} Part */

/** Puts a part into RESULTS.md, at its end, and leaves the others as they are.
 *  @param {Part} part */
export function reportNodes(name, part, { isShared = false } = {}) {
  const kept = readKept();
  const { at, cores, cpu, node } = describeMachine(join(HERE, ".."));
  const former = kept[name];
  const isSame = former?.columns.join() === part.columns.join();
  const rows = new Map((isSame ? former.rows : []).map((row) => [row[0], row]));
  for (const row of part.rows) rows.set(row[0], row);
  const run = `${at} UTC, commit ${commit}, ${cores} × ${cpu}, Node ${node}${isShared ? ", the machine shared with builds and tests" : ""}`;
  const runs = new Map(isSame ? Object.entries(former.runs) : []);
  for (const [what] of part.rows) runs.set(what, run);
  kept[name] = { ...part, rows: [...rows.values()], runs: Object.fromEntries(runs) };
  writeFileSync(KEPT, `${JSON.stringify(kept, undefined, 1)}\n`);
  const text = readFileSync(RESULTS, "utf8");
  const from = text.search(FIRST);
  writeFileSync(
    RESULTS,
    `${(from === -1 ? text : text.slice(0, from)).trimEnd()}\n\n${nodeSections().join("\n").trimEnd()}\n`,
  );
  // The guide's figures are of these.
  if (GUIDED.every((each) => kept[each] !== undefined)) writeCapacity(join(HERE, ".."));
}

/** All parts as they stand in RESULTS.md: lines. */
export function nodeSections() {
  const kept = readKept();
  return Object.entries(PARTS).flatMap(([name, heading]) =>
    kept[name] === undefined ? [] : section(heading, kept[name]),
  );
}

function section(heading, { title, chart, command, columns, rows, notes, runs }) {
  const rule = columns.map((_, index) => (index === 0 ? "---" : "---:"));
  const when = [...new Set(Object.values(runs))];
  const measured = when.map((run) => {
    const of = rows.filter(([what]) => runs[what] === run).map(([what]) => what);
    return `${when.length > 1 ? `${of.join("; ")}: ` : ""}${run}.`;
  });
  return [
    `## ${heading}: ${title}`,
    "",
    ...(chart === undefined ? [] : [`![${chart.title}](${chart.file})`, ""]),
    ...[columns, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`),
    "",
    ...notes.flatMap((note) => [note, ""]),
    [`\`${command}\`.`, ...measured].join(" "),
    "",
  ];
}

function readKept() {
  try {
    return JSON.parse(readFileSync(KEPT, "utf8"));
  } catch {
    return {}; // nothing was measured yet
  }
}

/** A figure as RESULTS.md shows it. */
export function show(value) {
  if (!Number.isFinite(value)) return "";
  return Math.abs(value) >= 100
    ? Math.round(value).toLocaleString("en-US")
    : String(Number(value.toPrecision(3)));
}
