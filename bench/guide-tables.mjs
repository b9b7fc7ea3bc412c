import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

/** A table of the guide that a run fills: the comment names the scenario and the case, the table's head the columns. */
const TABLE = /(<!-- bench: ([\w-]+) \/ (.+?) -->\n\n)(\|.+\|)\n\|.+\|\n(?:\|.*\|\n)*/g;

/** Writes the figures of RESULTS.md into the guide.
 *  @param {(scenario: string, name: string) => {columns: string[], rows: string[][]} | undefined} findTable */
export function fillGuide(root, findTable) {
  const path = join(root, "docs", "guide", "why-sse.md");
  const filled = readFileSync(path, "utf8").replaceAll(TABLE, (whole, comment, scenario, name, head) => {
    const table = findTable(scenario, name);
    if (table === undefined) return whole;
    const wanted = cellsOf(head);
    const rows = table.rows.map((row) => wanted.map((column) => row[table.columns.indexOf(column)] ?? ""));
    const rule = wanted.map((_, index) => (index === 0 ? "---" : "---:"));
    return `${comment}${[wanted, rule, ...rows].map((cells) => `| ${cells.join(" | ")} |`).join("\n")}\n`;
  });
  writeFileSync(path, filled);
  spawnSync(join(root, "node_modules", ".bin", "oxfmt"), [path], { cwd: root, stdio: "inherit" });
}

function cellsOf(line) {
  return line
    .split("|")
    .slice(1, -1)
    .map((cell) => cell.trim());
}
