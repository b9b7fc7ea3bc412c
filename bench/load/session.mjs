import { startModule } from "../children.mjs";
import { cpuSeconds, rssAnon } from "../measure.mjs";
import { nowMicros } from "./event.mjs";

const CAUGHT_UP_MS = 20_000;

/** A started contestant with its readers, each in processes of their own. `run` puts a load on it and says what it did.
 *  @param {Awaited<ReturnType<import("../contestants/index.mjs").startContestant>>} server
 *  @param {{readers: number, streams?: string[], sampleEvery?: number, tracksId?: boolean, connections?: number, inProcess?: boolean}} options
 *         `readers` of each stream. */
export async function openSession(server, options) {
  const { readers, streams = ["bench"], connections = 16, tracksId = false } = options;
  // The order is checked on 1 % of the readers, on ten at least.
  const sampleEvery =
    options.sampleEvery ?? Math.max(1, Math.min(100, Math.floor((readers * streams.length) / 10)));
  const { contestant, port } = server;
  const ears = startModule("load/readers.mjs");
  const mouth =
    contestant.publishPath === undefined || options.inProcess ? server : startModule("load/publishers.mjs");
  const paths = mouth === server ? streams : streams.map(contestant.publishPath);
  const from = {};
  let fence = 0;

  if (mouth !== server)
    await mouth.ask("open", {
      port: contestant.publishPort?.(port) ?? port,
      paths,
      headers: contestant.publishHeaders,
      body: contestant.publishBody,
      connections,
    });
  const requests = streams.flatMap((stream) => Array.from({ length: readers }, () => server.request(stream)));
  const { hello, atOnce } = contestant;
  const opened = await ears.ask("open", { port, requests, sampleEvery, tracksId, hello, atOnce });
  if (opened.refused > 0) throw new Error(`${opened.refused} of ${requests.length} readers were refused.`);

  const fenceIn = async () => {
    fence += 1;
    await ears.ask("arm", { sequence: fence });
    const [seen] = await Promise.all([
      // Of several streams, the last row of events may be unfinished.
      ears.ask("await", { timeoutMs: CAUGHT_UP_MS, sent: streams.length === 1 ? from : {} }),
      mouth.ask("fence", { sequence: fence, paths }),
    ]);
    return seen;
  };

  return {
    openMs: opened.ms,
    ears,
    pids: [ears.pid, ...(mouth === server ? [] : [mouth.pid])],
    fenceIn,
    /** @param {import("./schedule.mjs").Load} load */
    async start(load) {
      const { sent, published } = await mouth.ask("load", {
        load: { ...load, streams: streams.length, from },
        paths,
      });
      Object.assign(from, sent);
      return published;
    },
    /** Counts from here on. */
    reset: () => ears.ask("reset", { sent: streams.length === 1 ? { ...from } : {} }),
    /** Lets code become warm, and readers be where the others are. */
    async warm(durationMs, load = { mode: "flat", publishers: 4 }) {
      await this.start({ ...load, durationMs });
      await fenceIn();
    },
    /** @param {import("./schedule.mjs").Load} load */
    async run(load) {
      await this.reset();
      const cpuBefore = cpuSeconds(server.pid);
      const earsBefore = cpuSeconds(ears.pid);
      const begun = nowMicros();
      const published = await this.start(load);
      const seen = await fenceIn();
      const seconds = (seen.at - begun) / 1e6;
      const cpu = cpuSeconds(server.pid) - cpuBefore;
      const deliveries = published * readers;
      return {
        published,
        cpuMicros: (cpu * 1e6) / deliveries,
        perSecond: deliveries / seconds,
        p50: seen.p50,
        p99: seen.p99,
        rssAnonMiB: rssAnon(server.pid) / 1024,
        bytesPerEvent: seen.bytes / deliveries,
        serverCores: cpu / seconds,
        readerCores: (cpuSeconds(ears.pid) - earsBefore) / seconds,
        lost: seen.lost + seen.disorder,
        cut: seen.missing + seen.short,
      };
    },
    async close() {
      await Promise.all([ears.stop(), mouth !== server && mouth.stop()]);
    },
  };
}
