import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** The tables of the guide on capacity: each row says where in RESULTS.md its figure stands, and what follows from it is worked out. */

/** How busy a core may be on average, so that peaks find room. */
const BUSY = 0.7;
const TABLE = /(<!-- bench: capacity -->\n\n)((?:\|.*\|\n)+)/g;

/** Writes the figures of RESULTS.md into the guide. Pure.
 *  Shape: a row is `what | place | figure | what one core, or a GiB, carries of it`, or `load | per second | place | cores`; a place is
 *         `section · row · contestant · column`, without a contestant where the table has none. */
export function fillCapacity(guide, results) {
  return guide.replaceAll(TABLE, (whole, comment, table) => {
    const [head, rule, ...rows] = table.trimEnd().split("\n").map(cellsOf);
    const isLoad = head[1] === "per second";
    const filled = rows.map(([what, second, third, last]) => {
      if (isLoad) {
        const { value } = find(results, third);
        return [what, second, third, show((number(second) * value) / 1e6)];
      }
      const found = find(results, second);
      return [what, second, found.text, last.replace(/^[\d,.]*/, show(carries(found)))];
    });
    return `${comment}${[head, rule, ...filled].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
  });
}

export function writeCapacity(root) {
  const path = join(root, "docs", "guide", "capacity.md");
  const results = readFileSync(join(root, "bench", "RESULTS.md"), "utf8");
  writeFileSync(path, fillCapacity(readFileSync(path, "utf8"), results));
  spawnSync(join(root, "node_modules", ".bin", "oxfmt"), [path], { cwd: root, stdio: "inherit" });
}

/** Per second of a core, or per GiB. */
function carries({ value, column }) {
  if (column.includes("KiB")) return 1_048_576 / value;
  return (BUSY * (column.includes("µs") ? 1e6 : 1e3)) / value;
}

function find(results, place) {
  const [section, row, ...rest] = place.split(" · ");
  const column = rest.at(-1);
  const contestant = rest.length > 1 ? rest[0] : undefined;
  const from = results.indexOf(`\n## ${section}`);
  if (from === -1) throw new Error(`RESULTS.md has no section ${section}`);
  const table = /\n\n((?:\|.*\|\n)+)/.exec(results.slice(from))?.[1] ?? "";
  const [head, , ...rows] = table.trimEnd().split("\n").map(cellsOf);
  const found = rows.find(
    (cells) => cells[0] === row && (contestant === undefined || cells[1] === contestant),
  );
  const text = found?.[head.indexOf(column)]?.split(" (")[0];
  if (text === undefined) throw new Error(`RESULTS.md has no ${place}`);
  return { text, value: number(text), column };
}

function number(text) {
  return Number(text.replaceAll(",", ""));
}

/** Two digits: a plan needs no more. */
function show(value) {
  return Number(value.toPrecision(2)).toLocaleString("en-US");
}

function cellsOf(line) {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
