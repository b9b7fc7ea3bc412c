import { startModule } from "../children.mjs";
import { startContestant } from "../contestants/index.mjs";
import { runRequests, startProvider } from "../load/runs.mjs";
import { nowMicros } from "../load/event.mjs";
import { startRedis } from "../load/redis.mjs";
import { cpuSeconds, rssAnon } from "../measure.mjs";
import { runRounds } from "../rounds.mjs";

const LIMIT_MS = 25_000;

const SIZES = {
  full: {
    "flat out": { runs: 8, tokens: 5_000, rate: 0 },
    "100 runs × 50/s": { runs: 100, tokens: 150, rate: 50 },
    "500 runs × 50/s": { runs: 500, tokens: 150, rate: 50 },
  },
  /** For those that would take minutes. */
  slow: {
    "flat out": { runs: 8, tokens: 500, rate: 0 },
    "100 runs × 50/s": { runs: 100, tokens: 150, rate: 50 },
  },
  smoke: {
    "flat out": { runs: 2, tokens: 500, rate: 0 },
    "5 runs × 50/s": { runs: 5, tokens: 20, rate: 50 },
  },
};

const WARM_UP = {
  full: [
    { runs: 8, tokens: 1_500, rate: 0 },
    { runs: 400, tokens: 5, rate: 0 },
    { runs: 50, tokens: 40, rate: 50 },
  ],
  smoke: [{ runs: 2, tokens: 100, rate: 0 }],
};

const SLOW = new Set(["ai-sdk", "tanstack"]);

/** A provider's tokens on their way to readers. */
export default {
  name: "relay",
  title: "Relay: a provider's tokens to readers",
  contestants: ["millrace", "pass-through", "ai-sdk", "tanstack"],
  apart: ["ai-sdk", "tanstack"],
  figures: [
    "tokensPerCpuSecond",
    "cpuMicros",
    "p50",
    "p99",
    "serverCores",
    "rssAnonMiB",
    "bytesPerEvent",
    "lost",
  ],
  notes: [
    "Latency is from the provider's write to the reader's read, so the way through the two sockets is in it. The pass-through keeps nothing and cannot resume.",
    "AI SDK and TanStack AI relay a tenth of the tokens flat out, and no more than 100 runs, for the time it takes; both keep answers in the memory of their process only. Redis's own CPU is not counted. The other contestants do not relay: left out.",
  ],
  run(context) {
    const cases = SIZES[context.size] ?? SIZES.full;
    return runRounds({ ...context, limitMs: 90_000 }, context.contestants, (contestant) =>
      runOnce(contestant, cases, context),
    );
  },
};

async function runOnce(contestant, cases, { size: extent, execArgv }) {
  const provider = await startProvider();
  const redis = contestant.needsRedis ? await startRedis() : undefined;
  const server = await startContestant(contestant, { env: { ...provider.env, ...redis?.env }, execArgv });
  const faces =
    contestant.name === "millrace" ? { "": "openai", " by GET /stream": "prompt" } : { "": "openai" };
  const figures = {};
  try {
    for (const [suffix, face] of Object.entries(faces)) {
      // Code becomes warm: a server that has answered for a while is what is measured.
      const isSlow = SLOW.has(contestant.name);
      for (const size of WARM_UP[isSlow ? "smoke" : extent] ?? WARM_UP.full) await relay(server, face, size);
      // Paced, the two differ by the bytes of a token alone.
      for (const [name, size] of Object.entries(isSlow && extent !== "smoke" ? SIZES.slow : cases))
        if (suffix === "" || size.rate === 0) figures[name + suffix] = await relay(server, face, size);
    }
    return figures;
  } finally {
    await server.stop();
    await redis?.stop();
    await provider.stop();
  }
}

/** Starts runs and reads them to their ends. */
export async function relay(server, face, size) {
  const ears = startModule("load/readers.mjs");
  try {
    const requests = runRequests(face, server.port, size);
    const cpuBefore = cpuSeconds(server.pid);
    const begun = nowMicros();
    const { refused } = await ears.ask("open", { port: server.port, requests, sampleEvery: 1 });
    if (refused > 0) throw new Error(`${refused} of ${requests.length} runs were refused.`);
    const seen = await ears.ask("await", { timeoutMs: LIMIT_MS, until: "end" });
    if (seen.events === 0) throw new Error(`No token has come. The last bytes: ${seen.tail}`);
    const cpu = cpuSeconds(server.pid) - cpuBefore;
    const tokens = size.runs * size.tokens;
    return {
      tokensPerCpuSecond: seen.events / cpu,
      cpuMicros: (cpu * 1e6) / seen.events,
      perSecond: seen.events / ((seen.at - begun) / 1e6),
      p50: seen.p50,
      p99: seen.p99,
      serverCores: cpu / ((seen.at - begun) / 1e6),
      rssAnonMiB: rssAnon(server.pid) / 1024,
      bytesPerEvent: seen.bytes / seen.events,
      lost: tokens - seen.events + seen.disorder,
    };
  } finally {
    await ears.stop();
  }
}
