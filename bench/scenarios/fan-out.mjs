import { startContestant } from "../contestants/index.mjs";
import { openSession } from "../load/session.mjs";
import { runRounds } from "../rounds.mjs";

const CALM = { mode: "paced", rate: 10 };
const BUSY = { mode: "paced", rate: 1_000 };
const FLAT_1 = { mode: "flat", publishers: 1 };
const FLAT_16 = { mode: "flat", publishers: 16 };

/** Where all of them would take minutes of each run, those that come nearest. */
const NEAREST = ["millrace", "nchan", "node"];

const SIZES = {
  full: [
    { readers: 1, only: NEAREST, loads: { busy: [BUSY, 400], "flat-16": [FLAT_16, 400] } },
    { readers: 100, only: NEAREST, loads: { busy: [BUSY, 400], "flat-16": [FLAT_16, 400] } },
    {
      readers: 1_000,
      loads: { calm: [CALM, 1_500], "flat-16": [FLAT_16, 700] },
      nearest: { busy: [BUSY, 500], "flat-1": [FLAT_1, 500] },
    },
    {
      readers: 10_000,
      only: ["millrace", "nchan"],
      loads: { calm: [CALM, 1_000], "flat-16": [FLAT_16, 300] },
    },
  ],
  smoke: [{ readers: 20, loads: { calm: [CALM, 300], "flat-16": [FLAT_16, 200] } }],
};

/** One stream, many readers. */
export default {
  name: "fan-out",
  title: "Fan-out: one stream, many readers",
  contestants: [
    "millrace",
    "millrace-library",
    "nchan",
    "node",
    "ws",
    "socket-io",
    "better-sse",
    "fastify-sse",
    "hono",
    "durable-streams",
    "pushpin",
  ],
  apart: ["ws", "socket-io", "pushpin"],
  figures: ["cpuMicros", "perSecond", "p50", "p99", "rssAnonMiB", "bytesPerEvent", "lost", "cut"],
  notes: [
    "calm: 10 events/s; busy: 1,000 events/s as far as the server takes them; flat-1 and flat-16: 1 and 16 publishers that each await the answer before the next event. Only Millrace and nchan keep events for who comes back; only Millrace keeps them on the disk. Pushpin is three processes, which are counted together.",
    "With 1, 100 and 10,000 readers, and in between, only those that come nearest, for the time it takes.",
  ],
  async run(context) {
    const cells = [];
    const failures = [];
    for (const { readers, only, loads, nearest = {} } of SIZES[context.size] ?? SIZES.full) {
      const contestants = context.contestants.filter(({ name }) => only?.includes(name) ?? true);
      context.say(`${readers} readers`);
      const outcome = await runRounds(context, contestants, (contestant) =>
        runOnce(
          contestant,
          readers,
          NEAREST.includes(contestant.name) ? { ...loads, ...nearest } : loads,
          context,
        ),
      );
      cells.push(...outcome.cells);
      failures.push(...outcome.failures);
    }
    return { cells, failures };
  },
};

async function runOnce(contestant, readers, loads, { warmMs, execArgv }) {
  const server = await startContestant(contestant, { execArgv });
  try {
    const session = await openSession(server, { readers });
    try {
      const figures = {};
      await session.warm(warmMs);
      for (const [name, [load, durationMs]] of Object.entries(loads)) {
        figures[`${readers} ${name}`] = await session.run({ ...load, durationMs });
      }
      return figures;
    } finally {
      await session.close();
    }
  } finally {
    await server.stop();
  }
}
