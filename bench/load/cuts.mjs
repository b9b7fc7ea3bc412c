import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { freePort, startModule } from "../children.mjs";
import { percentile } from "../measure.mjs";
import { runName } from "../resumers/answer.mjs";

/** Before the first word is said, all readers are there, and what they have said has come. */
const SETTLE_MS = 300;

/** Lets a resumer's answers be read over wires that break, and says what the readers have in the end.
 *  @param {{answers: number, words: number, rate: number, cuts: number, outageMs: number, patienceMs: number, seed: number}} size
 *         `cuts`: of each answer; `outageMs`: the network is away for up to so long; `patienceMs`: after the last word. */
export async function readThroughCuts(resumer, size, env = {}) {
  const { answers, words, rate, patienceMs, seed } = size;
  const random = createRandom(seed);
  const cutAnswers = Array.from({ length: answers }, (_, index) => ({
    run: runName(`${seed}x${index}`, words, rate),
    cuts: drawCuts(random, size),
  }));
  const runs = cutAnswers.map(({ run }) => run);
  const folder = mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const port = await freePort();
  const host = startModule("resumers/host.mjs", [resumer.name], { env });
  const readers = startModule("load/cut-readers.mjs", [resumer.name]);
  try {
    const [{ starts }] = await Promise.all([host.ask("serve", { port, folder, runs }), readers.ask("ready")]);
    const limitMs = (words * 1000) / rate + patienceMs;
    const reading = "cut";
    const seeing = readers.ask("read", { reading, port, answers: cutAnswers, limitMs });
    if (starts) {
      await readers.ask("opened", { reading });
      await sleep(SETTLE_MS);
    }
    await Promise.all([host.ask("start", { runs }), readers.ask("go", { reading })]);
    const seen = await seeing;
    const { times } = await host.ask("begun");
    const sum = (member) => seen.reduce((total, each) => total + each[member], 0);
    const aways = seen.flatMap((each) => each.aways);
    return {
      cuts: sum("cuts"),
      whole: seen.filter(isWhole).length,
      answers,
      lost: sum("lost"),
      doubled: sum("doubled"),
      reordered: sum("reordered"),
      unended: seen.filter(({ end }) => end !== "ended").length,
      begun: times / answers,
      awayP50: aways.length === 0 ? undefined : percentile(aways, 0.5),
      ends: [...new Set(seen.map(({ end }) => end))].join("; "),
    };
  } finally {
    await Promise.all([host.stop(), readers.stop()]);
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Cuts at random times after the first word, inside of whatever goes over the wire then: each in the first half of its share of
 *  the answer, so that who takes some seconds to come back is there for the next. */
function drawCuts(random, { cuts, words, rate, outageMs }) {
  const share = (words * 1000) / rate / cuts;
  return Array.from({ length: cuts }, (_, index) => ({
    atMs: (index + random() / 2) * share,
    bytes: 1 + Math.floor(random() * 300),
    outageMs: random() * outageMs,
  }));
}

function isWhole({ lost, doubled, reordered, end }) {
  return lost + doubled + reordered === 0 && end === "ended";
}

/** The same numbers for each contestant. */
function createRandom(seed) {
  let state = (seed + 1) >>> 0;
  return () => (state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0) / 2 ** 32;
}
