import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModule } from "../children.mjs";
import { runRounds } from "../rounds.mjs";

const CASES = [1, 1_000].flatMap((streams) => [
  ...[1, 4, 16, 64, 1_024].map((inFlight) => ({ streams, inFlight, perAppend: 1 })),
  { streams, inFlight: 4, perAppend: 64 },
]);
const SIZES = {
  full: { durationMs: 400, cases: CASES },
  smoke: { durationMs: 100, cases: CASES.slice(0, 2) },
};

/** Committed appends to the embedded log, in its own process. */
export default {
  name: "append",
  title: "Append: committed appends to the embedded log, in process",
  contestants: ["millrace-library"],
  figures: ["perSecond", "cpuMicros", "p50", "p99"],
  notes: [
    "CPU of the whole process, its background threads included. None of the rivals has an embedded log: left out.",
  ],
  run(context) {
    const { durationMs, cases } = SIZES[context.size] ?? SIZES.full;
    return runRounds(context, context.contestants, () => runOnce(cases, durationMs, context));
  },
};

async function runOnce(cases, durationMs, { execArgv }) {
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const appender = startModule("load/appender.mjs", [], { execArgv });
  const figures = {};
  try {
    for (const { streams, inFlight, perAppend } of cases) {
      const name = `${streams} ${streams === 1 ? "stream" : "streams"}, ${inFlight} in flight${perAppend > 1 ? ` × ${perAppend} events` : ""}`;
      figures[name] = await appender.ask("append", { folder, streams, inFlight, perAppend, durationMs });
    }
    return figures;
  } finally {
    await appender.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}
