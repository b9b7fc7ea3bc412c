import type { Commit, Log } from "../../src/log/log.ts";
import { StreamError } from "../../src/protocol/error.ts";
import type { Random } from "./seeded.ts";

export interface SlowLogOptions {
  random: Random;
  /** Each call takes between these, in milliseconds, before it reaches the log and again before it is answered. */
  delayMs: [min: number, max: number];
  /** How often an append fails, from 0 to 1: half of them before they took effect and half after. Default 0. */
  failureRate?: number;
  /** Default: a timer. */
  sleep?: (ms: number) => Promise<void>;
}

/** A log behind a network: slow, and with failures whose outcome is not known. Appends keep the order of their calls. */
export function createSlowLog(log: Log, options: SlowLogOptions): Log {
  const { random, delayMs, failureRate = 0 } = options;
  const sleep = options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  const delay = () => sleep(random.int(...delayMs));
  /** What goes one way keeps its order, as on one connection. */
  let order: Promise<unknown> = Promise.resolve();

  async function inOrder<T>(call: () => Promise<T>): Promise<T> {
    const arrival = Promise.all([order, delay()]);
    order = arrival.then(() => undefined);
    await arrival;
    const answer = call();
    answer.catch(() => undefined);
    await delay();
    return answer;
  }

  return {
    create: (...call) => inOrder(() => log.create(...call)),
    append: (...call) =>
      inOrder(async () => {
        const chance = random.next();
        if (chance < failureRate / 2) throw away();
        const outcome = await log.append(...call);
        if (chance < failureRate) throw away();
        return outcome;
      }),
    read: (...call) => inOrder(() => log.read(...call)),
    info: (...call) => inOrder(() => log.info(...call)),
    delete: (...call) => inOrder(() => log.delete(...call)),
    key: (...call) => inOrder(() => log.key(...call)),
    expireKey: (...call) => inOrder(() => log.expireKey(...call)),
    openWriters: () => inOrder(() => log.openWriters()),
    ...(log.deadWriters && { deadWriters: () => inOrder(async () => (await log.deadWriters?.()) ?? []) }),
    watch(stream, onCommit) {
      let notices: Promise<unknown> = Promise.resolve();
      let isWatching = true;
      const unwatch = log.watch(stream, (commit: Commit) => {
        notices = Promise.all([notices, delay()]).then(() => isWatching && onCommit(commit));
      });
      return () => {
        isWatching = false;
        unwatch();
      };
    },
    close: () => log.close(),
  };
}

function away(): StreamError {
  return new StreamError(
    "log-unavailable",
    "The log did not answer. Whether it took the append is not known.",
  );
}

/** A turn of the loop instead of a wait. */
export function oneTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
