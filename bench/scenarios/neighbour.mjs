import { setPriority } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { startContestant } from "../contestants/index.mjs";
import { startProvider } from "../load/runs.mjs";
import { openSession } from "../load/session.mjs";
import { runRounds } from "../rounds.mjs";
import { relay } from "./relay.mjs";

const SIZES = {
  full: { readers: 5_000, size: { runs: 20, tokens: 100, rate: 50 } },
  smoke: { readers: 50, size: { runs: 4, tokens: 20, rate: 50 } },
};

/** A chat beside a crowd. */
export default {
  name: "neighbour",
  title: "Neighbour: chat tokens while 5,000 readers of another stream are served flat out",
  contestants: ["millrace"],
  figures: ["aloneP50", "aloneP99", "besideP50", "besideP99", "addedP99", "crowdPerSecond", "lost"],
  notes: [
    "The crowd's readers and publishers run at a lower priority, so that what is measured is the server and not the two cores.",
    "The others do not relay: left out.",
  ],
  run(context) {
    const sizes = SIZES[context.size] ?? SIZES.full;
    return runRounds(context, context.contestants, (contestant) => runOnce(contestant, sizes, context));
  },
};

async function runOnce(contestant, { readers, size }, { warmMs, execArgv }) {
  const provider = await startProvider();
  const server = await startContestant(contestant, { env: provider.env, execArgv });
  try {
    await relay(server, "openai", { ...size, tokens: 20 });
    const alone = await relay(server, "openai", size);
    const session = await openSession(server, { readers });
    for (const pid of session.pids) setPriority(pid, 10);
    await session.warm(warmMs);
    const durationMs = (size.tokens / size.rate) * 1000 + 600;
    const crowd = session.run({ mode: "flat", publishers: 16, durationMs });
    await sleep(200);
    const [beside, crowded] = await Promise.all([relay(server, "openai", size), crowd]);
    await session.close();
    return {
      [`${size.runs} runs beside ${readers} readers`]: {
        aloneP50: alone.p50,
        aloneP99: alone.p99,
        besideP50: beside.p50,
        besideP99: beside.p99,
        addedP99: beside.p99 - alone.p99,
        crowdPerSecond: crowded.perSecond,
        crowdCpuMicros: crowded.cpuMicros,
        lost: beside.lost + crowded.lost,
      },
    };
  } finally {
    await server.stop();
    await provider.stop();
  }
}
