import { setTimeout as sleep } from "node:timers/promises";
import { startContestant } from "../contestants/index.mjs";
import { openSession } from "../load/session.mjs";
import { rssAnon } from "../measure.mjs";
import { runRounds } from "../rounds.mjs";

const SIZES = { full: { readers: 10_000, settleMs: 800 }, smoke: { readers: 50, settleMs: 50 } };

/** What a reader costs that waits. */
export default {
  name: "memory",
  title: "Memory: 10,000 idle readers",
  contestants: ["millrace", "nchan", "node"],
  figures: ["kibPerReader", "rssAnonMiB", "openMs"],
  notes: [
    "The others, which stand on Node, are left out for the time they take.",
    "RssAnon with the readers less that of the server after its first hundred readers, divided by the readers.",
  ],
  run(context) {
    const size = SIZES[context.size] ?? SIZES.full;
    return runRounds(context, context.contestants, (contestant) => runOnce(contestant, size, context));
  },
};

async function runOnce(contestant, { readers, settleMs }, { warmMs }) {
  const server = await startContestant(contestant);
  try {
    const first = await openSession(server, { readers: 100 });
    await first.warm(warmMs);
    await first.close();
    await sleep(settleMs);
    const before = rssAnon(server.pid);
    const session = await openSession(server, { readers });
    await session.fenceIn();
    await sleep(settleMs);
    const after = rssAnon(server.pid);
    await session.close();
    return {
      [`${readers} readers`]: {
        kibPerReader: (after - before) / readers,
        rssAnonMiB: after / 1024,
        openMs: session.openMs,
      },
    };
  } finally {
    await server.stop();
  }
}
