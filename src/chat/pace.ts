/** Waits, and rejects with the signal's reason when it aborts. */
export type Sleep = (ms: number, signal: AbortSignal) => Promise<void>;

export interface Clock {
  /** Milliseconds of a clock that never goes back. */
  now(): number;
  sleep: Sleep;
}

const BURST = 256;

/** Gives back the real time's clock. A sleep of 0 lets everything that waits have its turn. */
export function createClock(): Clock {
  return { now: () => performance.now(), sleep };
}

/** Hands out items by a schedule, `perSecond` of them; 0: as fast as they are taken.
 *  Order: item `i` is due `i / perSecond` seconds after the first. What is late because a timer was is caught up at once, so
 *         the rate holds on average.
 *  Cost:  others get a turn after each 256 items, at any rate. */
export async function* paceItems<T>(
  items: Iterable<T>,
  perSecond: number,
  clock: Clock,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const start = clock.now();
  let index = 0;
  let burst = 0;
  for (const item of items) {
    signal.throwIfAborted();
    const wait = perSecond === 0 ? 0 : start + (index * 1000) / perSecond - clock.now();
    if (wait > 0 || burst === BURST) {
      await clock.sleep(Math.max(0, wait), signal);
      burst = 0;
    }
    yield item;
    index += 1;
    burst += 1;
  }
}

function sleep(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- an abort's reason is passed on as it is
      reject(signal.reason);
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      // oxlint-disable-next-line typescript/prefer-promise-reject-errors -- as above
      reject(signal.reason);
    };
    const onTime = () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    };
    signal.addEventListener("abort", onAbort, { once: true });
    const timer = setTimeout(onTime, ms);
  });
}
