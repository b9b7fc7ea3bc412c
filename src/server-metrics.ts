import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from "prom-client";
import type { RunEnded } from "./chat/run-reports.ts";
import type { Runner } from "./chat/runner.ts";
import type { DeliveryReport } from "./http/metrics.ts";
import type { Hub } from "./hub/hub.ts";
import type { Tally } from "./server-figures.ts";

export interface MetricsSources {
  hub: Pick<Hub, "look" | "counts">;
  runner: Pick<Runner, "openRuns">;
  tally: Tally;
  version: string;
}

/** What a server counts for Prometheus. */
export interface Metrics {
  onRunEnd: (run: RunEnded) => void;
  onReport: (report: DeliveryReport) => void;
  onAppendTimed: (seconds: number) => void;
  /** Runs that were ended since their process was gone. */
  onLeaseExpired: (runs: number) => void;
  /** Everything, as Prometheus reads it. What the hot paths count are plain numbers, which are read here. */
  render(sources: MetricsSources): Promise<{ type: string; text: string }>;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];
const FIRST_TOKEN_SECONDS = [0.05, 0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60];
const TOKEN_SECONDS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1];
const TOKENS_PER_SECOND = [1, 5, 10, 20, 30, 50, 75, 100, 150, 250, 500, 1_000];
const RUN_SECONDS = [0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600];
const LAG_EVENTS = [0, 1, 10, 100, 1_000, 10_000, 100_000];

/** Makes what a server counts. Source: docs/guide/operating.md, which lists each. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  const gauge = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Gauge({ name: `millrace_${name}`, help, labelNames, registers });
  const counter = <Label extends string = never>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `millrace_${name}_total`, help, labelNames, registers });
  const histogram = (name: string, help: string, buckets: number[]) =>
    new Histogram({ name: `millrace_${name}`, help, buckets, registers });

  const info = gauge("info", "1, with the version.", "version");
  const readers = gauge("readers", "Connections that read, by how their bytes leave.", "transport");
  const behind = gauge("readers_behind", "Readers that have not got everything that there is.");
  const lag = histogram(
    "reader_lag_events",
    "Events that each reader has not got, at the moment of the scrape: no counter.",
    LAG_EVENTS,
  );
  const came = counter("readers", "Readers that came.");
  const reconnects = counter("reconnects", "Readers that came back with a cursor that was honoured.");
  const resets = counter("resets", "Readers that came with a cursor that could not be honoured.");
  const stalled = counter("readers_stalled", "Readers that were cut since they took nothing.");
  const eventsIn = counter("events_in", "Events given to the log.");
  const bytesIn = counter("bytes_in", "Events given to the log, in characters of JSON.");
  const bytesOut = counter("bytes_out", "Bytes sent to readers.");
  const replayed = counter("replayed_bytes", "Bytes sent to readers of what was there before they came.");
  const gaps = counter("client_gaps", "Events that clients reported as missing, and read again.");
  const doubles = counter("client_doubles", "Events that clients reported as doubled, and passed over.");
  const openRuns = gauge("runs_open", "Runs that this process generates.");
  const runs = counter("runs_ended", "Runs that have ended, by reason.", "reason");
  const firstToken = histogram(
    "run_first_token_seconds",
    "From the start of a run to its first delta.",
    FIRST_TOKEN_SECONDS,
  );
  const duration = histogram("run_duration_seconds", "From the start of a run to its end.", RUN_SECONDS);
  const rate = histogram(
    "run_tokens_per_second",
    "Tokens a second of a run, after its first.",
    TOKENS_PER_SECOND,
  );
  const between = histogram(
    "run_token_interval_seconds",
    "Mean time between two deltas of a run.",
    TOKEN_SECONDS,
  );
  const tokens = counter("run_deltas", "Deltas of runs that have ended.");
  const expired = counter("lease_expiries", "Runs that were found with their process gone, and ended.");
  const logLatency = histogram("log_append_seconds", "From an append to its commit, one in 16.", SECONDS);

  return {
    onRunEnd({ reason, startedAt, firstAt, lastAt, endedAt, deltas }) {
      runs.inc({ reason });
      tokens.inc(deltas);
      duration.observe((endedAt - startedAt) / 1_000);
      if (firstAt === undefined) return;
      firstToken.observe((firstAt - startedAt) / 1_000);
      const seconds = (lastAt - firstAt) / 1_000;
      if (deltas < 2 || seconds <= 0) return;
      rate.observe((deltas - 1) / seconds);
      between.observe(seconds / (deltas - 1));
    },
    onReport(report) {
      gaps.inc(report.gaps);
      doubles.inc(report.doubles);
    },
    onAppendTimed: (seconds) => logLatency.observe(seconds),
    onLeaseExpired: (count) => expired.inc(count),
    async render({ hub, runner, tally, version }) {
      const looks = hub.look();
      const { counts } = hub;
      info.set({ version }, 1);
      for (const transport of ["socket", "response", "web"] as const)
        readers.set({ transport }, looks.filter((look) => look.transport === transport).length);
      behind.set(looks.filter(({ state }) => state !== "live").length);
      lag.reset();
      for (const { streams } of looks) lag.observe(Math.max(0, ...streams.map((stream) => stream.lag)));
      openRuns.set(runner.openRuns);
      setTotal(came, counts.came);
      setTotal(reconnects, counts.resumed);
      setTotal(resets, counts.resets);
      setTotal(stalled, counts.stalled);
      setTotal(replayed, counts.replayedBytes);
      setTotal(eventsIn, tally.events);
      setTotal(bytesIn, tally.eventBytes);
      setTotal(bytesOut, tally.bytes);
      const texts = await Promise.all([registry, processMetrics()].map((each) => each.metrics()));
      return { type: registry.contentType, text: texts.join("\n") };
    },
  };
}

let ofProcess: Registry | undefined;

/** What the process does, whatever its servers do: one for all of them, since nothing ends its watch over the event loop and the garbage
 *  collector, which begins only where somebody asks. */
function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess });
  }
  return ofProcess;
}

/** A total that is counted elsewhere. */
function setTotal(counter: Counter<never>, total: number): void {
  counter.reset();
  counter.inc(total);
}
