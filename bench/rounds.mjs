import { killAll } from "./children.mjs";

/** A round of one contestant may take so long, unless its scenario says otherwise. */
const LIMIT_MS = 60_000;

/** Runs each contestant once per round, in an order that turns, so that what changes on the machine meets all alike.
 *  A contestant that fails is told of, and the others go on.
 *  @param {{rounds: number, say: (line: string) => void}} context
 *  @param {{name: string, title: string}[]} contestants
 *  @param {(contestant: object, round: number) => Promise<Record<string, Record<string, number>>>} runOnce  Figures by case. */
export async function runRounds({ rounds, say, limitMs = LIMIT_MS }, contestants, runOnce) {
  const cells = new Map();
  const failures = [];
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < contestants.length; turn += 1) {
      const contestant = contestants[(turn + round) % contestants.length];
      const begun = performance.now();
      try {
        for (const [name, figures] of Object.entries(await within(limitMs, runOnce(contestant, round)))) {
          const key = JSON.stringify([name, contestant.name]);
          cells.set(key, [...(cells.get(key) ?? []), figures]);
        }
      } catch (error) {
        failures.push({
          contestant: contestant.name,
          round,
          message: String(error?.message ?? error).slice(0, 300),
        });
        say(`${contestant.name} failed: ${error?.message ?? error}`);
      }
      const seconds = ((performance.now() - begun) / 1000).toFixed(1);
      say(`round ${round + 1}/${rounds}  ${contestant.name}  ${seconds} s`);
    }
  }
  const measured = [...cells].map(([key, figures]) => {
    const [name, contestant] = JSON.parse(key);
    return { case: name, contestant, rounds: figures };
  });
  return { cells: measured, failures };
}

/** Who is not done in time loses its processes, and so its round. */
async function within(limitMs, running) {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    killAll();
  }, limitMs);
  try {
    return await running;
  } catch (error) {
    throw isLate ? new Error(`not done within ${limitMs / 1000} s`) : error;
  } finally {
    clearTimeout(timer);
  }
}
