import { setTimeout as sleep } from "node:timers/promises";

/** How often each answer was begun: a model would be paid each time. */
export const begun = new Map();

/** The name of a run says how long its answer is, how many words are said per second, and for how long the speaker thinks when
 *  half of it is said. */
export const runName = (number, words, rate, pauseMs = 0) => `run-${number}-${words}-${rate}-${pauseMs}`;

export function lengthOf(run) {
  const [, , words, rate, pauseMs] = run.split("-").map(Number);
  return { words, rate, pauseMs };
}

export const wordOf = (index) => `w${index} `;

/** Says an answer at its pace: `w0 w1 w2 …`. */
export async function* speak(run) {
  begun.set(run, (begun.get(run) ?? 0) + 1);
  const { words, rate, pauseMs } = lengthOf(run);
  let start = performance.now();
  for (let index = 0; index < words; index += 1) {
    if (index === words >> 1) start += pauseMs;
    const wait = start + (index * 1000) / rate - performance.now();
    if (wait > 1) await sleep(wait);
    yield wordOf(index);
  }
}

/** What a person has before them, held against what was said.
 *  @returns {{lost: number, doubled: number, reordered: number}} in words */
export function judge(text, words) {
  const times = Array.from({ length: words }, () => 0);
  let highest = -1;
  let reordered = 0;
  for (const [, digits] of text.matchAll(/w(\d+) /g)) {
    const index = Number(digits);
    if (times[index] === 0 && index < highest) reordered += 1;
    times[index] += 1;
    highest = Math.max(highest, index);
  }
  return {
    lost: times.filter((count) => count === 0).length,
    doubled: times.reduce((sum, count) => sum + Math.max(0, count - 1), 0),
    reordered,
  };
}
