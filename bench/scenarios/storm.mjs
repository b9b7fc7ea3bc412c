import { startContestant } from "../contestants/index.mjs";
import { nowMicros } from "../load/event.mjs";
import { openSession } from "../load/session.mjs";
import { cpuSeconds, rssAnon } from "../measure.mjs";
import { runRounds } from "../rounds.mjs";

const SIZES = { full: { readers: 5_000 }, smoke: { readers: 30 } };
const LOAD = { mode: "paced", rate: 40, durationMs: 300 };

/** Everybody is cut at once and comes back at once, while events go on. */
export default {
  name: "storm",
  title: "Storm: 5,000 readers cut at once",
  contestants: ["millrace", "nchan", "node"],
  figures: ["backMs", "caughtUpMs", "cpuSeconds", "cpuMillisPerReader", "lost", "cut", "rssAnonMiB"],
  notes: [
    "Each reader comes back with the id that it saw last; `lost` counts events that readers never got. All readers check every event.",
    "better-sse, @fastify/sse and hono leave what is replayed to the application; @durable-streams/server takes an offset of its own instead of Last-Event-ID: left out.",
  ],
  run(context) {
    const { readers } = SIZES[context.size] ?? SIZES.full;
    return runRounds(context, context.contestants, (contestant) => runOnce(contestant, readers, context));
  },
};

async function runOnce(contestant, readers, { execArgv }) {
  const server = await startContestant(contestant, { execArgv });
  const session = await openSession(server, { readers, sampleEvery: 1, tracksId: true });
  try {
    await session.start(LOAD);
    await session.fenceIn();
    await session.reset();
    await session.start(LOAD);
    const cpuBefore = cpuSeconds(server.pid);
    const begun = nowMicros();
    const publishing = session.start(LOAD);
    const back = await session.ears.ask("cut");
    await publishing;
    const seen = await session.fenceIn();
    const cpu = cpuSeconds(server.pid) - cpuBefore;
    return {
      [`${readers} readers`]: {
        backMs: back.backMs,
        caughtUpMs: (seen.at - begun) / 1000,
        cpuSeconds: cpu,
        cpuMillisPerReader: (cpu * 1000) / readers,
        lost: seen.lost,
        doubled: seen.disorder,
        cut: seen.missing + back.refused,
        rssAnonMiB: rssAnon(server.pid) / 1024,
      },
    };
  } finally {
    await session.close();
    await server.stop();
  }
}
