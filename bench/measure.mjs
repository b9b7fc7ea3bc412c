import { readFileSync, readdirSync } from "node:fs";

/** Clock ticks per second of /proc, which Linux has fixed for programs. */
const TICKS = 100;

/** A process and what it has started: nginx's workers are children of its master. */
export function processTree(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, "utf8").split(" ").filter(Boolean).map(Number),
  );
  return [pid, ...children.flatMap(processTree)];
}

/** CPU time of a process tree so far, in seconds: user and system, all threads. From `schedstat`, in nanoseconds, where the
 *  kernel has it: `stat` says the same in steps of 10 ms, which a calm second is too short for. */
export function cpuSeconds(pid) {
  return processTree(pid).reduce((sum, each) => sum + (scheduled(each) ?? ticked(each)), 0);
}

function scheduled(pid) {
  try {
    return readdirSync(`/proc/${pid}/task`).reduce((sum, task) => {
      const text = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8");
      return sum + Number(text.split(" ")[0]) / 1e9;
    }, 0);
  } catch {
    return undefined; // a kernel without it, or a thread that ended while it was read
  }
}

function ticked(pid) {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may hold spaces and brackets: the fields count from the last bracket.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
}

/** Memory of its own, without files that are mapped, in KiB. */
export function rssAnon(pid) {
  return processTree(pid).reduce((sum, each) => {
    const kib = /^RssAnon:\s+(\d+) kB/m.exec(readFileSync(`/proc/${each}/status`, "utf8"))?.[1];
    return sum + Number(kib ?? 0);
  }, 0);
}

/** Median and spread of what was measured; undefined where nothing was.
 *  @returns {{median: number, min: number, max: number, count: number} | undefined} */
export function describe(values) {
  const sorted = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (sorted.length === 0) return undefined;
  const middle = sorted.length >> 1;
  const median = sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
  return { median, min: sorted[0], max: sorted.at(-1), count: sorted.length };
}

/** Describes each member that the results of all rounds hold as a number.
 *  @param {Record<string, number>[]} rounds */
export function describeRounds(rounds) {
  const names = new Set(rounds.flatMap((round) => Object.keys(round)));
  return Object.fromEntries(
    [...names]
      .map((name) => [name, describe(rounds.map((round) => round[name]))])
      .filter(([, described]) => described !== undefined),
  );
}

export function percentile(values, share) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))];
}
