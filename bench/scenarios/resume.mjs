import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startModule } from "../children.mjs";
import { loadContestant, startContestant } from "../contestants/index.mjs";
import { startRedis } from "../load/redis.mjs";
import { comeBackUnderWay } from "../load/under-way.mjs";
import { cpuSeconds, percentile, rssAnon } from "../measure.mjs";
import { runRounds } from "../rounds.mjs";

const SIZES = {
  full: { tokens: 50_000, others: 1_000_000, comings: 1_000, underWay: { words: 50_000, times: 20 } },
  quick: { tokens: 50_000, others: 1_000_000, comings: 300, underWay: { words: 50_000, times: 10 } },
  smoke: { tokens: 500, others: 1_000, comings: 20, underWay: { words: 500, times: 3 } },
};

/** Coming back to a long answer in a log that holds much else. */
export default {
  name: "resume",
  title: "Resume: a 50,000-token answer among 1,000,000 other events",
  contestants: ["millrace", "ai-sdk", "tanstack"],
  apart: ["ai-sdk", "tanstack"],
  figures: ["p50", "p99", "startP50", "startP99", "bytesPerText", "cpuMillis", "rssAnonMiB"],
  notes: [
    "p50 and p99: ms from the request to the end of the answer, at random cursors, one after the other; startP50 and startP99 the same from the beginning. bytesPerText: all bytes of a connection from the beginning over those of the text as JSON.",
    "Under way: half of an answer of 100,000 words is said, and a reader comes who has nothing; ms until it has all that was said. AI SDK with `resumable-stream` and TanStack AI hold it in the memory of one process. Once it has ended, `resumable-stream` answers 204 and TanStack AI for five minutes more. No other contestant keeps answers: left out.",
  ],
  async run(context) {
    const size = SIZES[context.size];
    const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
    try {
      const filler = startModule("load/filler.mjs");
      const answer = await filler.ask("fill", { folder, ...size });
      await filler.stop();
      context.say(
        `the log holds ${size.others + size.tokens} events; the answer has ${answer.jsonBytes} bytes of JSON text`,
      );
      const own = context.contestants.find(({ name }) => name === "millrace");
      const ended = await runRounds(context, own === undefined ? [] : [own], (contestant, round) =>
        runOnce(contestant, { folder, answer, round, ...size }, context),
      );
      const underWay = await runUnderWay(context, size.underWay);
      return {
        cells: [...ended.cells, ...underWay.cells],
        failures: [...ended.failures, ...underWay.failures],
      };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};

/** Once: with real clients, beside a Redis for whom it is needed. */
async function runUnderWay(context, size) {
  const redis = context.contestants.some(({ needsRedis }) => needsRedis) ? await startRedis() : undefined;
  try {
    return await runRounds({ ...context, rounds: 1 }, context.contestants, async ({ name }) => {
      const resumer = await loadContestant(name, "resumers");
      return { [`${size.words} words, under way`]: await comeBackUnderWay(resumer, size, redis?.env) };
    });
  } finally {
    await redis?.stop();
  }
}

async function runOnce(contestant, { folder, answer, round, tokens, comings }, { execArgv }) {
  const server = await startContestant(contestant, { folder, execArgv });
  const visitor = startModule("load/comings.mjs");
  const visit = (cursors) =>
    visitor.ask("come", { port: server.port, path: `/v1/streams/${answer.stream}`, cursors });
  try {
    const epoch = answer.cursor.split(".")[0];
    await visit(randomCursors(epoch, tokens, 20, round + 100));
    const cpuBefore = cpuSeconds(server.pid);
    const random = await visit(randomCursors(epoch, tokens, comings, round));
    const cpu = cpuSeconds(server.pid) - cpuBefore;
    const whole = await visit(Array.from({ length: Math.ceil(comings / 10) }));
    return {
      [`${tokens} tokens`]: {
        p50: percentile(random.times, 0.5),
        p99: percentile(random.times, 0.99),
        startP50: percentile(whole.times, 0.5),
        startP99: percentile(whole.times, 0.99),
        bytesPerText: percentile(whole.bytes, 0.5) / answer.jsonBytes,
        cpuMillis: (cpu * 1000) / comings,
        rssAnonMiB: rssAnon(server.pid) / 1024,
      },
    };
  } finally {
    await visitor.stop();
    // In good order: a log that was killed is opened with a look at what was left.
    await server.stop("SIGTERM");
  }
}

/** The same places in each run of the same round. */
function randomCursors(epoch, tokens, count, seed) {
  let state = (seed + 1) >>> 0;
  return Array.from({ length: count }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return `${epoch}.${1 + Math.floor((state / 2 ** 32) * (tokens - 1))}`;
  });
}
