#!/usr/bin/env node
/** The fuzz of the tests, for longer: `node bench/fuzz.mjs [seconds, default 3600] [seed] [--report] [--shared]`. Exit code 1 on any failure. */
import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { reportNodes, show } from "./nodes-report.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: "boolean" }, shared: { type: "boolean" } },
});
const [seconds = "3600", seed] = positionals;
const child = spawn("npx", ["vitest", "run", "test/security/fuzz.test.ts"], {
  cwd: fileURLToPath(new URL("../", import.meta.url)),
  env: {
    ...process.env,
    MILLRACE_FUZZ_SECONDS: seconds,
    ...(seed !== undefined && { MILLRACE_FUZZ_SEED: seed }),
  },
  stdio: ["ignore", "pipe", "inherit"],
});
let output = "";
child.stdout.setEncoding("utf8").on("data", (piece) => {
  output += piece;
  process.stdout.write(piece);
});
child.once("close", (code) => {
  process.exitCode = code ?? 1;
  if (values.report) report(code === 0);
});

function find(pattern) {
  return pattern.exec(output)?.[1] ?? "";
}

/** From what the tests say. */
function report(isPassed) {
  const heaps = find(/heap after each round ([^\n]*)/).match(/\d+(?= MB)/g) ?? [];
  reportNodes(
    "fuzz",
    {
      title: "fuzz of the HTTP surface and the parsers",
      command: "node bench/fuzz.mjs --report",
      columns: [
        "seconds",
        "seed",
        "requests",
        "answered with 500, or not at all",
        "heap after the second round, MB",
        "after the last",
        "inputs of parsers",
        "the slowest, ms",
        "passed",
      ],
      rows: [
        [
          show(Number(seconds)),
          find(/seed (\d+), /),
          show(Number(find(/(\d+) requests; statuses/))),
          isPassed ? "0" : "see its output",
          heaps[1] ?? "",
          heaps.at(-1) ?? "",
          show(Number(find(/(\d+) inputs; /))),
          find(/the slowest took (\d+) ms/),
          isPassed ? "yes" : "**no**",
        ],
      ],
      notes: [
        `Two thirds of the time requests that are broken in every way, 16 at a time, to ${heaps.length} servers one after the other in one process: each must be answered or refused within 20 s, none with a failure of the server, and nothing may crash it or stay behind. The rest of the time the parsers. The first round also loads what is loaded once.`,
      ],
    },
    { isShared: values.shared },
  );
}
