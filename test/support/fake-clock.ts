import type { Clock } from "../../src/chat/pace.ts";

export interface FakeClock extends Clock {
  /** What was slept, in milliseconds. */
  readonly sleeps: readonly number[];
  /** How much later than asked each sleep ends. */
  lagMs: number;
}

/** Makes a clock whose time passes only by sleeping, at once. */
export function createFakeClock(): FakeClock {
  let time = 0;
  const sleeps: number[] = [];
  const clock: FakeClock = {
    sleeps,
    lagMs: 0,
    now: () => time,
    sleep: async (ms, signal) => {
      sleeps.push(ms);
      time += ms + clock.lagMs;
      await Promise.resolve();
      signal.throwIfAborted();
    },
  };
  return clock;
}
