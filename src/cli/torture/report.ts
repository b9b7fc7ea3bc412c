import { dim } from "../output.ts";
import type { Cutter } from "./cutter.ts";

/** What came of it. All that is counted as lost, doubled or out of order is a failure. */
export interface TortureReport {
  seed: number;
  seconds: number;
  nodes: number;
  runs: number;
  readers: number;
  cuts: number;
  reloads: number;
  stalls: number;
  kills: number;
  redisKills: number;
  /** Runs that ended as `interrupted`. */
  interrupted: number;
  /** Runs with which another node went on. */
  continued: number;
  gaps: number;
  doubles: number;
  /** Readers that were told to begin anew. */
  resets: number;
  /** Readers whose text is not that of the run, or that never saw its end. */
  losses: number;
  /** Those of them that never saw the end, in the time that runs have for it when no more is broken. */
  unended: number;
  /** Runs whose node was killed, and of which it is known when another node ended them or went on with them. */
  recovered: number;
  /** How long that took after the kill, at most, in milliseconds. */
  recoverMs: number;
  /** How many of them took more than 5 seconds. */
  late: number;
}

export function emptyReport(seed: number, nodes: number): TortureReport {
  return {
    seed,
    seconds: 0,
    nodes,
    runs: 0,
    readers: 0,
    cuts: 0,
    reloads: 0,
    stalls: 0,
    kills: 0,
    redisKills: 0,
    interrupted: 0,
    continued: 0,
    gaps: 0,
    doubles: 0,
    resets: 0,
    losses: 0,
    unended: 0,
    recovered: 0,
    recoverMs: 0,
    late: 0,
  };
}

export function showProgress(report: TortureReport, cutters: readonly Cutter[]): void {
  if (!process.stderr.isTTY) return;
  const cuts = cutters.reduce((sum, cutter) => sum + cutter.cuts, 0);
  process.stderr.write(
    `\r${dim(`${report.runs} runs, ${cuts} cuts, ${report.kills} kills, ${report.losses} lost`, process.stderr)}  `,
  );
}

export function describe(report: TortureReport): string {
  const { gaps, doubles, resets, losses } = report;
  const isWhole = gaps + doubles + resets + losses === 0;
  const lines = [
    `Tortured  ${report.nodes} nodes for ${report.seconds} s, seed ${report.seed}`,
    `Read      ${report.runs} runs by ${report.readers} readers`,
    `Broke     ${report.cuts} connections cut, ${report.kills} nodes and ${report.redisKills} times Redis killed`,
    `          ${report.reloads} reloads, ${report.stalls} stalls`,
    `Ended     ${report.interrupted} runs interrupted, ${report.continued} went on on another node`,
    `          ${report.recovered} runs of killed nodes, at most ${report.recoverMs} ms after the kill, ${report.late} after more than 5 s`,
    `Found     ${losses} lost (${report.unended} without an end), ${gaps} gaps, ${doubles} doubled, ${resets} resets`,
    isWhole ? "Whole: every reader has what was said." : "Not whole.",
  ];
  return `${process.stderr.isTTY ? "\n" : ""}${lines.join("\n")}\n`;
}
