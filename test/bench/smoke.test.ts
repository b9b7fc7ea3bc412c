import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const RUN = fileURLToPath(new URL("../../bench/run.mjs", import.meta.url));
/** What bench/run.mjs knows is what lies there: a scenario that it has forgotten fails here. */
const SCENARIOS = readdirSync(new URL("../../bench/scenarios", import.meta.url)).map((file) =>
  basename(file, ".mjs"),
);
/** Ours, those that need nothing but Node, and one that bench/node_modules may or may not have. */
const CONTESTANTS = [
  "millrace",
  "millrace-library",
  "millrace-page",
  "bare-page",
  "node",
  "pass-through",
  "long-poll",
  "better-sse",
];
const LIMIT_MS = 900_000;

/** A result of the benchmark, as far as it is looked at here. */
interface Result {
  contestants: { name: string; missing?: string }[];
  cells: { case: string; contestant: string; rounds: Record<string, number>[] }[];
  failures: { contestant: string; message: string }[];
}

test(
  "each scenario of the benchmark runs at its smallest size: each contestant is measured or named as missing, and Millrace loses nothing",
  () => {
    const { output, results } = runSmoke();
    for (const [name, { contestants, cells, failures }] of results) {
      expect({ name, failures }).toEqual({ name, failures: [] });
      for (const contestant of contestants) {
        const own = cells.filter((cell) => cell.contestant === contestant.name);
        if (contestant.missing === undefined)
          expect(own.length, `${name} ${contestant.name}`).toBeGreaterThan(0);
        else
          expect(output).toContain(`${contestant.name} is missing: ${contestant.missing} is not installed`);
      }
      const figures = cells
        .filter(({ contestant }) => contestant.startsWith("millrace"))
        .flatMap(({ rounds }) => rounds);
      expect(figures.length, name).toBeGreaterThan(0);
      for (const { lost = 0, doubled = 0, cut = 0 } of figures)
        expect({ name, lost, doubled, cut }).toEqual({ name, lost: 0, doubled: 0, cut: 0 });
    }
  },
  LIMIT_MS,
);

test("a scenario that does not exist is refused, and the known ones are listed", () => {
  const { stdout, stderr, status } = spawnSync(process.execPath, [RUN, "fan-in"], { encoding: "utf8" });
  expect(status).toBe(2);
  expect(stderr).toContain("There is no scenario fan-in.");
  const known = /^Scenarios: (.+);/m.exec(stdout)?.[1]?.split(", ");
  expect(known?.toSorted()).toEqual(SCENARIOS.toSorted());
});

function runSmoke(): { output: string; results: [string, Result][] } {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-test-"));
  try {
    const flags = ["--smoke", "--only", CONTESTANTS.join(","), "--output", folder];
    const { stdout, stderr, status } = spawnSync(process.execPath, [RUN, ...flags], {
      encoding: "utf8",
      timeout: LIMIT_MS - 10_000,
    });
    const output = stdout + stderr;
    if (status !== 0) throw new Error(`The benchmark ended with ${String(status)}:\n${output}`);
    const read = (name: string) => readFileSync(join(folder, `${name}.json`), "utf8");
    // Written by the run that has just ended.
    return { output, results: SCENARIOS.map((name) => [name, JSON.parse(read(name)) as Result]) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
