import type { RunBegan, RunEnded } from "./run-reports.ts";

/** Ended runs of which something is still known. */
const MAX_ENDED = 200;

/** Runs as they stand, for who looks: open ones, and the last that have ended. */
export function createRecentRuns(): {
  onBegin: (run: RunBegan) => void;
  onEnd: (run: RunEnded) => void;
  /** Latest first. */
  list: () => (RunBegan | RunEnded)[];
} {
  const open = new Map<string, RunBegan>();
  const ended: RunEnded[] = [];
  return {
    onBegin: (run) => void open.set(run.run, run),
    onEnd(run) {
      open.delete(run.run);
      ended.push(run);
      if (ended.length > MAX_ENDED) ended.shift();
    },
    list: () => [...ended, ...open.values()].toReversed(),
  };
}
