import { expect, test } from "vitest";
import type { AppendOutcome, Log } from "../../src/log/log.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { StreamError } from "../../src/protocol/error.ts";
import { CHAT, LOG, NAME, event, readNumbers } from "../log/conformance/support.ts";
import { createRandom } from "./seeded.ts";
import { createSlowLog, oneTurn } from "./slow-log.ts";

const SEED = 11;

function createFailingLog(
  log: Log,
  failureRate: number,
  sleep: (ms: number) => Promise<void> = oneTurn,
): Log {
  return createSlowLog(log, { random: createRandom(SEED), delayMs: [0, 50], failureRate, sleep });
}

test(`fails before and after an append took effect, as often as it is told (seed ${SEED})`, async () => {
  const log = createMemoryLog();
  const slow = createFailingLog(log, 0.4);
  const outcomes = await Promise.allSettled(
    Array.from({ length: 500 }, (_, n) => slow.append(NAME, [event(n)], LOG)),
  );
  const taken = new Set(await readNumbers(log));
  const failed = outcomes.flatMap((outcome, n) => (outcome.status === "rejected" ? [n] : []));
  for (const n of failed) expect(outcomes[n]).toMatchObject({ reason: { code: "log-unavailable" } });
  const after = failed.filter((n) => taken.has(n)).length;
  for (const share of [after, failed.length - after]) {
    expect(share).toBeGreaterThan(60);
    expect(share).toBeLessThan(140);
  }
  expect(taken.size).toBe(500 - failed.length + after);
  expect([...taken]).toEqual([...taken].toSorted((a, b) => a - b));
  await slow.close();
});

test(`loses and doubles nothing of a writer that sends a step until it is answered (seed ${SEED})`, async () => {
  const log = createMemoryLog();
  const slow = createFailingLog(log, 0.5);
  const statuses = new Set<string>();
  for (let seq = 0; seq < 100; seq++) {
    const step = { ...CHAT, writer: { id: "run", epoch: 1, seq } };
    const outcome = await untilAnswered(() => slow.append(NAME, [event(seq)], step));
    statuses.add(outcome.status);
    expect(outcome).toMatchObject({ first: seq + 1, last: seq + 1 });
  }
  expect(statuses).toEqual(new Set(["appended", "repeated"]));
  expect(await readNumbers(log)).toEqual(Array.from({ length: 100 }, (_, n) => n));
  await slow.close();
});

test("delays each call, there and back, by what chance says within its bounds", async () => {
  const slept: number[] = [];
  const slow = createFailingLog(createMemoryLog(), 0, async (ms) => void slept.push(ms));
  await slow.append(NAME, [event(1)], LOG);
  for (let n = 0; n < 50; n++) await slow.info(NAME);
  expect(slept).toHaveLength(102);
  expect(Math.min(...slept)).toBeLessThan(10);
  expect(Math.max(...slept)).toBeGreaterThan(40);
  expect(slept.every((ms) => ms >= 0 && ms <= 50)).toBe(true);
  await slow.close();
});

test("the same seed gives the same chance, and another seed another", () => {
  expect(row(1)).toEqual(row(1));
  expect(row(1)).not.toEqual(row(2));
  expect(new Set(row(1))).toEqual(new Set([3, 4, 5, 6, 7]));
});

function row(seed: number): number[] {
  const random = createRandom(seed);
  return Array.from({ length: 200 }, () => random.int(3, 7));
}

async function untilAnswered(append: () => Promise<AppendOutcome>): Promise<AppendOutcome> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      return await append();
    } catch (error) {
      if (!(error instanceof StreamError) || !error.isRetryable) throw error;
    }
  }
  throw new Error("50 attempts failed");
}
