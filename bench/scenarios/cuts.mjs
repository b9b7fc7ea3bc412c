import { startRedis } from "../load/redis.mjs";
import { readThroughCuts } from "../load/cuts.mjs";

/** `patienceMs`: how long a reader may take after the last word was said. */
const PACE = { words: 300, rate: 12, patienceMs: 14_000 };
const SIZES = {
  full: {
    "back at once": { ...PACE, answers: 10, cuts: 5, outageMs: 0, seed: 1 },
    "network away ≤ 2 s": { ...PACE, answers: 10, cuts: 5, outageMs: 2_000, seed: 2 },
  },
  smoke: {
    "back at once": { words: 40, rate: 40, patienceMs: 5_000, answers: 2, cuts: 1, outageMs: 0, seed: 1 },
  },
};
/** So many run beside each other: what is measured is not how quick they are. */
const AT_ONCE = 8;

/** The checker of cuts, turned on all. */
export default {
  name: "cuts",
  title: "Cuts survived: the same random cuts against each one's way of resuming",
  folder: "resumers",
  contestants: [
    "millrace",
    "nchan",
    "fastify-sse",
    "durable-streams",
    "tanstack",
    "ai-sdk",
    "resumable-stream",
    "socket-io",
    "long-poll",
    "poll",
    "better-sse",
    "hono",
    "node",
    "ws",
    "tutorial",
    "one-response",
  ],
  isByCase: true,
  figures: ["whole", "answers", "cuts", "lost", "doubled", "reordered", "unended", "begun", "awayP50"],
  notes: [
    "Each contestant speaks the same answers, 300 words at 12 per second. Each reader reads over a wire of its own, which breaks five times: at random times of each fifth of the answer, after a random number of further bytes, so mostly inside of an event; the same times and bytes for all. Whole: the person has each word once, in its order, and knows that it has ended. Lost and doubled are words of all answers together. Begun: how often a model would have been paid, per answer. Away: from the cut to the next new word, median; `EventSource` waits for what the server asks for, or three seconds. The code is in `bench/resumers`.",
    "Only connections break here; no server is killed. Of these, Millrace alone was set up to keep answers on the disk: the others keep them in the memory of a process, or leave the store to the application.",
  ],
  async run(context) {
    const redis = context.contestants.some(({ needsRedis }) => needsRedis) ? await startRedis() : undefined;
    const jobs = Object.entries(SIZES[context.size] ?? SIZES.full).flatMap(([name, size]) =>
      context.contestants.map((contestant) => ({ name, size, contestant })),
    );
    const cells = [];
    const failures = [];
    const work = async () => {
      for (let job = jobs.shift(); job !== undefined; job = jobs.shift()) {
        const { name, size, contestant } = job;
        try {
          const { ends, ...figures } = await readThroughCuts(contestant, size, redis?.env);
          cells.push({ case: name, contestant: contestant.name, rounds: [figures] });
          context.say(`${name}  ${contestant.name}  ${figures.whole} of ${figures.answers} whole  ${ends}`);
        } catch (error) {
          failures.push({ contestant: contestant.name, round: 0, message: String(error?.message ?? error) });
          context.say(`${contestant.name} failed: ${error?.message ?? error}`);
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, work));
    await redis?.stop();
    const order = context.contestants.map(({ name }) => name);
    cells.sort((a, b) => order.indexOf(a.contestant) - order.indexOf(b.contestant));
    return { cells, failures };
  },
};
