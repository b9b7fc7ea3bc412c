import { startContestant } from "../contestants/index.mjs";
import { openSession } from "../load/session.mjs";
import { runRounds } from "../rounds.mjs";

const SIZES = {
  full: { streams: 1_000, rate: 50, durationMs: 1_000 },
  smoke: { streams: 20, rate: 20, durationMs: 300 },
};

/** The shape of chat: many streams with one reader each, written by the server's own process. */
export default {
  name: "many-streams",
  title: "Many streams: 1,000 streams, one reader each, 50 events/s each",
  contestants: ["millrace-library", "node", "better-sse", "fastify-sse", "hono"],
  figures: ["cpuMicros", "perSecond", "p50", "p99", "rssAnonMiB", "bytesPerEvent", "lost", "cut"],
  notes: [
    "Each contestant publishes in its own process, as a chat server does; nchan and @durable-streams/server take events over HTTP only, and 50,000 requests a second measure their HTTP parser: left out.",
  ],
  run(context) {
    const size = SIZES[context.size] ?? SIZES.full;
    return runRounds(context, context.contestants, (contestant) => runOnce(contestant, size, context));
  },
};

async function runOnce(contestant, { streams: count, rate, durationMs }, { warmMs, execArgv }) {
  const streams = Array.from({ length: count }, (_, index) => `s${index}`);
  const server = await startContestant(contestant, { streams, execArgv });
  try {
    const session = await openSession(server, { readers: 1, streams, inProcess: true });
    try {
      const load = { mode: "paced", rate: rate * count, maxOpen: 8_192 };
      await session.warm(warmMs, load);
      return { [`${count} streams`]: await session.run({ ...load, durationMs }) };
    } finally {
      await session.close();
    }
  } finally {
    await server.stop();
  }
}
