import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Runner } from "./chat/runner.ts";
import type { Sent } from "./http/node.ts";
import type { Hub } from "./hub/hub.ts";
import type { Log } from "./log/log.ts";
import { StreamError } from "./protocol/error.ts";
import type { Figures } from "./protocol/figures.ts";
import { parseStreamName } from "./protocol/names.ts";

/** What is counted while the server works: each is one addition where it happens. */
export interface Tally extends Sent {
  /** Events that were given to the log. */
  events: number;
  /** Their length, in characters of JSON. */
  eventBytes: number;
  /** Appends, of which one in 16 is timed. */
  appends: number;
  /** How long runs waited for their first delta since the figures were last taken, in milliseconds. */
  firstDeltas: number[];
}

export interface FiguresOptions {
  log: Log;
  hub: Pick<Hub, "readers" | "readersBehind">;
  runner: Pick<Runner, "openRuns">;
  tally: Tally;
  /** Unix milliseconds. Default: the clock. */
  now?: () => number;
}

const STREAM = parseStreamName("sys/server");
const PERIOD_MS = 1_000;
/** A quarter of an hour. */
const RETENTION = { maxEvents: 900 };
const RESOLUTION_MS = 20;

export function createTally(): Tally {
  return { events: 0, eventBytes: 0, appends: 0, bytes: 0, firstDeltas: [] };
}

/** The same log, whose appends are counted. */
export function countAppends(log: Log, tally: Tally, onTimed?: (seconds: number) => void): Log {
  return {
    create: (stream, options) => log.create(stream, options),
    append(stream, events, options) {
      tally.events += events.length;
      for (const { data } of events) tally.eventBytes += data.length;
      const answer = log.append(stream, events, options);
      if (onTimed !== undefined && (tally.appends++ & 15) === 0) time(answer, onTimed);
      return answer;
    },
    read: (stream, after, limit) => log.read(stream, after, limit),
    info: (stream) => log.info(stream),
    watch: (stream, onCommit) => log.watch(stream, onCommit),
    delete: (stream) => log.delete(stream),
    key: (id) => log.key(id),
    expireKey: (id, expiresAt) => log.expireKey(id, expiresAt),
    openWriters: () => log.openWriters(),
    ...(log.backup && { backup: log.backup }),
    ...(log.deadWriters && { deadWriters: () => log.deadWriters?.() ?? Promise.resolve([]) }),
    close: () => log.close(),
  };
}

function time(answer: Promise<unknown>, onTimed: (seconds: number) => void): void {
  const startedAt = performance.now();
  answer.then(
    () => onTimed((performance.now() - startedAt) / 1_000),
    () => {}, // Its caller hears of it.
  );
}

/** Appends what the server does to `sys/server`, once a second, until it is stopped.
 *  Source: PROTOCOL.md "Figures of the server". */
export function publishFigures({ log, hub, runner, tally, now = Date.now }: FiguresOptions): {
  stop: () => void;
} {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  let takenAt = now();
  let before = { events: tally.events, bytes: tally.bytes };

  function take(): Figures {
    const at = now();
    const seconds = Math.max(at - takenAt, 1) / 1_000;
    const { heapUsed, rss } = process.memoryUsage();
    const waits = tally.firstDeltas.splice(0);
    const figures: Figures = {
      type: "figures",
      at,
      readers: hub.readers,
      behind: hub.readersBehind,
      events: Math.round((tally.events - before.events) / seconds),
      bytes: Math.round((tally.bytes - before.bytes) / seconds),
      runs: runner.openRuns,
      ...(waits.length > 0 && {
        firstTokenMs: Math.round(waits.reduce((sum, ms) => sum + ms, 0) / waits.length),
      }),
      // The histogram counts from one tick to the next, so the tick itself is no delay.
      loopMs: Math.max(0, Math.round((delay.percentile(99) / 1e6 - RESOLUTION_MS) * 10) / 10),
      heap: heapUsed,
      memory: rss,
    };
    delay.reset();
    takenAt = at;
    before = { events: tally.events, bytes: tally.bytes };
    return figures;
  }

  let isBusy = false;
  const timer = setInterval(() => {
    // A log that is slow gets no queue of figures.
    if (isBusy) return;
    isBusy = true;
    log
      .append(STREAM, [{ data: JSON.stringify(take()) }], { create: { kind: "log", retention: RETENTION } })
      .catch((error: unknown) => {
        // Full or away: the figures of this second are left out, and the next ones tell how it went on.
        if (!(error instanceof StreamError)) throw error;
      })
      .finally(() => (isBusy = false));
  }, PERIOD_MS);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
      delay.disable();
    },
  };
}
