import { setTimeout as sleep } from "node:timers/promises";
import { startModule } from "../children.mjs";
import { startContestant } from "../contestants/index.mjs";
import { cpuSeconds, percentile, rssAnon } from "../measure.mjs";

/** A server of one transport with its clients, each a process. */
export async function openFeed(contestant, { execArgv } = {}) {
  const server = await startContestant(contestant, { execArgv });
  const clients = startModule("load/transport-clients.mjs");
  const { kind = "sse", everyMs } = contestant.transport ?? {};
  const from = {};
  const open = (streams) =>
    clients.ask("open", { kind, everyMs, port: server.port, paths: streams.map(contestant.readPath) });

  /** Publishes, and counts what it costs until it is over; what is still on its way is waited for.
   *  @param {{streams: string[], clientsPer: number, rate: number, durationMs: number, event?: "token"}} feed
   *         `rate`: events per second over all streams. */
  async function run({ streams, clientsPer, rate, durationMs, event }) {
    const before = await clients.ask("reset");
    const cpuBefore = cpuSeconds(server.pid);
    const begun = performance.now();
    const load = { mode: "paced", rate, durationMs, streams: streams.length, from, event, rests: true };
    const { sent, published } = await server.ask("load", { load, paths: streams });
    Object.assign(from, sent);
    await sleep(Math.max(0, begun + durationMs - performance.now()));
    const cpu = cpuSeconds(server.pid) - cpuBefore;
    const after = await clients.ask("counts");
    const minutes = (performance.now() - begun) / 60_000;
    await sleep((everyMs ?? 0) + 500);
    const latencies = await clients.ask("latencies");
    const deliveries = published * clientsPer;
    const readers = streams.length * clientsPer;
    const perMinute = (member) => (after[member] - before[member]) / readers / minutes;
    return {
      cpuMicros: (cpu * 1e6) / deliveries,
      p50: percentile(latencies, 0.5),
      p99: percentile(latencies, 0.99),
      kibPerMinute: (perMinute("down") + perMinute("up")) / 1024,
      downPerMinute: perMinute("down") / 1024,
      upPerMinute: perMinute("up") / 1024,
      requestsPerMinute: perMinute("requests"),
      cpuPerMinute: (cpu * 1000) / readers / minutes,
      lost: deliveries - latencies.length,
    };
  }

  return {
    open,
    run,
    closeClients: () => clients.ask("close"),
    memory: () => rssAnon(server.pid),
    async stop() {
      await Promise.all([clients.stop(), server.stop()]);
    },
  };
}
