/** Breaks nodes and compares what every reader got: `node bench/torture.mjs [case…] [--report] [--shared] [--nice]` (needs redis-server).
 *  Without names all cases, about 50 minutes. Exit code 1 on any loss. */
import { spawnSync } from "node:child_process";
import { parseArgs } from "node:util";
import { copyProduct, productCommand } from "./contestants/product.mjs";
import { reportNodes, show } from "./nodes-report.mjs";

const CROWD = ["--nodes", "3", "--runs", "200", "--rate", "20", "--cut-after", "20000"];
const LONG = ["--nodes", "3", "--runs", "40", "--rate", "20"];
const CASES = {
  "3 minutes": ["--duration", "180", ...CROWD, "--no-redis-kills", "--seed", "11"],
  "3 minutes, `--recover continue`": [
    "--duration",
    "180",
    ...CROWD,
    "--no-redis-kills",
    "--seed",
    "12",
    "--recover",
    "continue",
  ],
  "10 minutes": ["--duration", "600", ...LONG, "--no-redis-kills", "--seed", "13"],
  "10 minutes, Redis killed, too, `--recover continue`": [
    "--duration",
    "600",
    ...LONG,
    "--seed",
    "14",
    "--recover",
    "continue",
  ],
  "100,000 cuts, Redis killed, too": [
    "--duration",
    "7200",
    "--cuts",
    "100000",
    "--nodes",
    "3",
    "--runs",
    "20",
    "--seed",
    "8",
  ],
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { report: { type: "boolean" }, shared: { type: "boolean" }, nice: { type: "boolean" } },
});

/** What RESULTS.md says of a report of `millrace torture`. */
export function describeTorture(rows) {
  return {
    title: "torture",
    command: "node bench/torture.mjs --report",
    columns: [
      "what",
      "runs at a time",
      "s",
      "runs",
      "readers",
      "cuts",
      "nodes killed",
      "Redis killed",
      "runs of killed nodes",
      "seen after, ms at most",
      "after over 5 s",
      "went on",
      "lost",
      "gaps",
      "doubled",
      "resets",
    ],
    rows: rows.map(([what, atOnce, report]) => [
      what,
      ...[atOnce, report.seconds, report.runs, report.readers, report.cuts, report.kills].map(show),
      ...[report.redisKills, report.recovered, report.recoverMs, report.late, report.continued].map(show),
      ...[report.losses, report.gaps, report.doubles, report.resets].map(show),
    ]),
    notes: [
      "`millrace torture`: three nodes and a Redis with `appendonly yes` and `appendfsync always`. Each run has three readers, each on any node, whose connections are cut at random bytes, who begin anew, and who stall. Five seconds after the last part was up again a part is killed with SIGKILL, and started again within a second: a random node, or, where Redis is killed, too, each fourth time that. Each reader's text is compared with the SHA-256 that the run's writer gave, with those of the other readers, and offset by offset.",
      "`runs of killed nodes` were open when their node was killed; `seen after` is the time from the kill until another node had ended them as `interrupted` or gone on with them. While Redis is away nobody is judged, so where it is killed, too, that may add a term of 4 s.",
    ],
  };
}

function main() {
  const unknown = positionals.filter((name) => CASES[name] === undefined);
  if (unknown.length > 0) {
    console.error(`There is no case ${unknown.join(", ")}. Cases: ${Object.keys(CASES).join(" | ")}`);
    return 2;
  }
  process.env.BENCH_PRODUCT = copyProduct("torture");
  let isWhole = true;
  for (const name of positionals.length > 0 ? positionals : Object.keys(CASES)) {
    const args = CASES[name];
    const command = [process.execPath, productCommand(), "torture", "--json", ...args];
    const [program, ...rest] = values.nice ? ["nice", "-n", "10", ...command] : command;
    const { stdout, status } = spawnSync(program, rest, {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "inherit"],
    });
    console.log(name, stdout.trim());
    isWhole &&= status === 0;
    const row = [name, Number(args[args.indexOf("--runs") + 1]), JSON.parse(stdout)];
    if (values.report) reportNodes("torture", describeTorture([row]), { isShared: values.shared });
  }
  return isWhole ? 0 : 1;
}

if (process.argv[1]?.endsWith("torture.mjs")) process.exitCode = main();
