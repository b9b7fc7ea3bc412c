#!/usr/bin/env node
/** npm run bench -- [scenario…] [--quick | --smoke] [--rounds N] [--only name,name] [--output folder] [--report]
 *  Measures Millrace beside its rivals, and writes results/*.json; without names also RESULTS.md and charts/, and with --report a
 *  run of some puts theirs in. */
import { spawnSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { loadContestant } from "./contestants/index.mjs";
import { ROOT, copyProduct } from "./contestants/product.mjs";
import { describeMachine } from "./machine.mjs";
import { describeRounds } from "./measure.mjs";
import { mergeReport, writeReport } from "./report.mjs";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const SCENARIOS = [
  "fan-out",
  "many-streams",
  "relay",
  "resume",
  "storm",
  "memory",
  "append",
  "neighbour",
  "page",
  "transports",
  "cuts",
];
/** Run by name alone, as the contestants are that a scenario calls `apart`: with these, a run of all would take longer than a
 *  quarter of an hour. */
const APART = ["page", "transports", "cuts"];
const SIZES = {
  full: { rounds: 5, warmMs: 800 },
  quick: { rounds: 2, warmMs: 1_000 },
  smoke: { rounds: 1, warmMs: 50 },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: "boolean" },
    smoke: { type: "boolean" },
    rounds: { type: "string" },
    only: { type: "string" },
    output: { type: "string" },
    report: { type: "boolean" },
    profile: { type: "string" },
    help: { type: "boolean" },
  },
});
const begun = performance.now();

async function main() {
  const unknown = positionals.filter((name) => !SCENARIOS.includes(name));
  if (values.help || unknown.length > 0) {
    if (unknown.length > 0) console.error(`There is no scenario ${unknown.join(", ")}.`);
    console.log(
      `npm run bench -- [scenario…] [--quick | --smoke] [--only contestants] [--report]\nScenarios: ${SCENARIOS.join(", ")}; ${APART.join(", ")} only by name.`,
    );
    return unknown.length > 0 ? 2 : 0;
  }
  const size = values.smoke ? "smoke" : values.quick ? "quick" : "full";
  if (!prepare(size)) return 1;
  const output = values.output ?? join(HERE, "results");
  mkdirSync(output, { recursive: true });
  const machine = describeMachine(ROOT);
  say(machine.lines.join("\n"));
  const results = [];
  for (const name of positionals.length > 0 ? positionals : usual(size)) {
    const result = await runScenario(name, size);
    results.push(result);
    writeFileSync(join(output, `${name}.json`), JSON.stringify({ machine, ...result }, undefined, 1));
    print(result);
  }
  if (positionals.length === 0 && size !== "smoke")
    writeReport({ machine, size, results, seconds: (performance.now() - begun) / 1000 });
  else if (values.report) mergeReport({ machine, results, isPart: values.only !== undefined });
  const failed = results.some(({ cells }) => cells.length === 0);
  say(`Done in ${Math.round((performance.now() - begun) / 1000)} s.`);
  return failed ? 1 : 0;
}

function usual(size) {
  return size === "smoke" ? SCENARIOS : SCENARIOS.filter((name) => !APART.includes(name));
}

/** Installs the rivals where that is not done, and builds the product. The smoke size takes what is there. */
function prepare(size) {
  if (size !== "smoke" && !isInstalled()) {
    say("Installing the rivals: npm ci --prefix bench");
    const args = ["ci", "--prefix", "bench", "--ignore-scripts", "--no-audit", "--no-fund"];
    if (!succeeds("npm", args)) return false;
  }
  process.env.BENCH_PRODUCT = copyProduct("bench");
  return true;
}

function succeeds(command, args) {
  const { status } = spawnSync(command, args, { cwd: ROOT, stdio: "inherit" });
  if (status !== 0) console.error(`Stopped: ${command} ${args.join(" ")} failed.`);
  return status === 0;
}

function isInstalled() {
  const { status } = spawnSync("npm", ["ls", "--prefix", "bench", "--depth=0"], {
    cwd: ROOT,
    stdio: "ignore",
  });
  return status === 0;
}

async function runScenario(name, size) {
  const { default: scenario } = await import(`./scenarios/${name}.mjs`);
  const only = values.only?.split(",");
  const isNamed = positionals.includes(name) || size === "smoke";
  const wanted = scenario.contestants.filter(
    (contestant) => only?.includes(contestant) ?? (isNamed || !scenario.apart?.includes(contestant)),
  );
  const loaded = await Promise.all(wanted.map((each) => loadContestant(each, scenario.folder)));
  const missing = loaded.filter((contestant) => contestant.missing);
  for (const { name: absent, missing: what } of missing)
    say(`${absent} is missing: ${what} is not installed`);
  say(`\n${scenario.title}`);
  const context = {
    ...SIZES[size],
    ...(values.rounds && { rounds: Number(values.rounds) }),
    ...(values.profile && { execArgv: ["--cpu-prof", `--cpu-prof-dir=${values.profile}`] }),
    size,
    say: (line) => say(`  ${line}`),
    contestants: loaded.filter((contestant) => !contestant.missing),
  };
  const { cells, failures = [] } = await scenario.run(context);
  return {
    name,
    title: scenario.title,
    size,
    figures: scenario.figures,
    isByCase: scenario.isByCase,
    notes: scenario.notes ?? [],
    contestants: loaded.map((each) => ({
      name: each.name,
      title: each.title,
      version: each.version,
      missing: each.missing,
      way: each.way,
      yours: each.yours,
    })),
    failures,
    cells: cells.map((cell) => ({ ...cell, median: describeRounds(cell.rounds) })),
  };
}

function print({ cells }) {
  for (const { case: name, contestant, median } of cells) {
    const figures = Object.entries(median).map(([figure, { median: value }]) => `${figure} ${round(value)}`);
    console.log(`  ${name.padEnd(16)} ${contestant.padEnd(18)} ${figures.join("  ")}`);
  }
}

function round(value) {
  return Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3));
}

function say(line) {
  const time = `${((performance.now() - begun) / 1000).toFixed(0)} s`.padStart(5);
  console.log(line.startsWith("  ") ? `${time}${line}` : line);
}

process.exitCode = await main();
// Children that answer would keep it open.
process.exit();
