#!/usr/bin/env node
/** Checks everything: the machine, the build, the static checks, then each test. The last line is `N passed, N failed`.
 *
 *  Each static check counts as one. Tests count as vitest counted them, except that nothing may stay silent: a skipped or
 *  todo test, a file that did not load and an error outside of a test are failures, and so is a run without tests.
 *  With arguments (`npm test -- hub`, `npm test -- -t "resumes"`) only the build and the matching tests run. */
import { readFile, rm } from "node:fs/promises";
import { join, relative } from "node:path";
import { ensureSystem } from "./system.mjs";
import { ROOT, printOutput, printStep, runTool } from "./tool.mjs";

const CHECKS = [
  { name: "types", command: "tsc", args: ["--noEmit", "-p", "tsconfig.json"] },
  { name: "lint", command: "oxlint", args: ["--type-aware", "--deny-warnings"] },
  { name: "format", command: "oxfmt", args: ["--check", "."] },
  { name: "dead code", command: "knip", args: ["--no-progress", "--treat-config-hints-as-errors"] },
  { name: "package", command: "publint", args: ["--strict"] },
  { name: "package types", command: "attw", args: ["--pack", ".", "--profile", "esm-only", "--quiet"] },
];
const CHECKS_AT_ONCE = 2;
const REPORT = join(ROOT, ".cache", "vitest.json");

const count = { passed: 0, failed: 0 };
await main(process.argv.slice(2));
console.log(`${count.passed} passed, ${count.failed} failed`);
process.exitCode = count.failed === 0 ? 0 : 1;

async function main(selection) {
  if (!(await checkSystem())) return;
  const isBuilt = await checkBuild();
  if (selection.length === 0) await runChecks();
  else console.log("only the tests that match; the static checks are left out");
  if (isBuilt) await runTests(selection);
  else fail("tests: not run, because the build failed");
}

async function checkSystem() {
  const startedAt = performance.now();
  const { installed, problem } = await ensureSystem();
  if (problem !== undefined) fail(problem);
  else if (installed.length > 0) printStep("system", startedAt, `installed ${installed.join(", ")}`);
  return problem === undefined;
}

async function checkBuild() {
  const build = await runTool(process.execPath, ["scripts/build.mjs", "--if-needed"]);
  printOutput(build.output);
  if (build.code === 0) count.passed += 1;
  else fail("build: failed");
  return build.code === 0;
}

async function runChecks() {
  const waiting = [...CHECKS];
  const work = async () => {
    for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) await runCheck(check);
  };
  await Promise.all(Array.from({ length: CHECKS_AT_ONCE }, work));
}

async function runCheck({ name, command, args }) {
  const startedAt = performance.now();
  const { code, output } = await runTool(command, args);
  printStep(name, startedAt, code === 0 ? "" : "failed");
  if (code === 0) {
    count.passed += 1;
  } else {
    count.failed += 1;
    printOutput(output);
  }
}

async function runTests(selection) {
  const startedAt = performance.now();
  await rm(REPORT, { force: true });
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${REPORT}`];
  // A left-over `it.only` would leave tests out in silence: with --allowOnly=false it is an error.
  const args = ["run", ...reporters, "--allowOnly=false", ...selection];
  const { code } = await runTool("vitest", args, { show: true });

  const before = count.failed;
  countTests(await readReport(), selection.some(isNamePattern));
  if (code !== 0 && count.failed === before) fail(`tests: vitest ended with ${code} although no test failed`);
  printStep("tests", startedAt, count.failed === before ? "" : "failed");
}

/** Counts from vitest's own report. With a name pattern vitest reports what does not match as skipped: that was asked for. */
function countTests(report, hasNamePattern) {
  if (report === undefined) return fail("tests: vitest ended without a report");
  let ran = 0;
  let leftOut = 0;
  for (const file of report.testResults) {
    const path = relative(ROOT, file.name);
    let failedHere = 0;
    for (const test of file.assertionResults) {
      if (test.status === "passed") {
        ran += 1;
        count.passed += 1;
      } else if (test.status === "failed") {
        ran += 1;
        failedHere += 1;
        count.failed += 1;
      } else if (hasNamePattern && test.status === "skipped") {
        leftOut += 1;
      } else {
        failedHere += 1;
        fail(`${path}: "${test.fullName}" did not run (${test.status})`);
      }
    }
    if (file.status === "failed" && failedHere === 0)
      fail(`${path}: failed outside of its tests, or did not load`);
  }
  if (leftOut > 0) console.log(`${leftOut} tests left out by the name pattern`);
  if (ran === 0) fail("tests: none ran");
}

async function readReport() {
  try {
    return JSON.parse(await readFile(REPORT, "utf8"));
  } catch {
    // Absent or cut short: vitest itself broke, which the caller counts as a failure.
    return undefined;
  }
}

function isNamePattern(argument) {
  return /^(-t|--testNamePattern)(=|$)/.test(argument);
}

function fail(sentence) {
  count.failed += 1;
  console.log(sentence);
}
