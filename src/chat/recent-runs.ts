import type { RunEnded } from "./run-reports.ts";

/** Ended runs of which something is still known. */
const MAX_ENDED = 200;

/** The last runs that have ended, for who looks. */
export function createRecentRuns(): {
  onEnd: (run: RunEnded) => void;
  /** Latest last. */
  list: () => readonly RunEnded[];
} {
  const ended: RunEnded[] = [];
  return {
    onEnd(run) {
      ended.push(run);
      if (ended.length > MAX_ENDED) ended.shift();
    },
    list: () => ended,
  };
}
