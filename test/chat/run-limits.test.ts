import { expect, test, vi } from "vitest";
import { createRunLimiter } from "../../src/chat/run-limits.ts";
import type { RunLimits } from "../../src/chat/run-limits.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import type { Log } from "../../src/log/log.ts";
import { openRedisLog } from "../../src/log/redis.ts";
import type { StreamError } from "../../src/protocol/error.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { startRedis } from "../support/redis.ts";

const PATIENCE = { interval: 20 };
const HOUR_MS = 3_600_000;
const START = Date.UTC(2026, 10, 26, 12);

function clock(): { now: () => number; pass: (ms: number) => void } {
  let at = START;
  return { now: () => at, pass: (ms) => (at += ms) };
}

async function limiterOn(log: Log, limits: RunLimits, now: () => number) {
  const limiter = await createRunLimiter(log, limits, now);
  const refusal = (person: string): StreamError | undefined => {
    try {
      limiter.begin(person, []).drop();
      return undefined;
    } catch (error) {
      return error as StreamError; // it throws nothing else
    }
  };
  return { ...limiter, refusal };
}

test("a person may start so many runs in a minute, and is told when the next may be", async () => {
  const { now, pass } = clock();
  const limiter = await limiterOn(createMemoryLog(), { runsPerMinute: 2 }, now);
  limiter.begin("ada", []);
  pass(20_000);
  limiter.begin("ada", []);
  expect(limiter.refusal("ada")).toMatchObject({ code: "too-many-runs", retryAfterMs: 40_000 });
  expect(limiter.refusal("bob")).toBeUndefined();
  pass(40_000);
  expect(limiter.refusal("ada")).toBeUndefined();
});

test("a person may have so many runs open, and one that did not come to be counts nowhere", async () => {
  const limiter = await limiterOn(createMemoryLog(), { openRuns: 1, runsPerMinute: 3 }, clock().now);
  const first = limiter.begin("ada", []);
  expect(limiter.refusal("ada")?.code).toBe("too-many-runs");
  first.drop();
  first.drop();
  const second = limiter.begin("ada", []);
  second.end({ deltas: 1 });
  second.end({ deltas: 1 });
  limiter.begin("ada", []).end({ deltas: 1 });
  expect(limiter.refusal("ada")).toBeUndefined();
});

test("of two runs of one moment that which did not come to be is dropped, on this node and on others", async () => {
  const log = createMemoryLog();
  const { now } = clock();
  const limits = { runsPerMinute: 2 };
  const [one, other] = [await limiterOn(log, limits, now), await limiterOn(log, limits, now)];
  one.begin("ada", []);
  one.begin("ada", []).drop();
  const isNoted = (head: number) =>
    vi.waitFor(async () => expect(await log.info(parseStreamName("sys/usage"))).toMatchObject({ head }));
  await isNoted(3);
  for (const limiter of [one, other]) expect(limiter.refusal("ada")).toBeUndefined();
  await isNoted(7);
  one.begin("ada", []);
  await isNoted(8);
  for (const limiter of [one, other]) expect(limiter.refusal("ada")?.code).toBe("too-many-runs");
});

test("what comes while the log is read back counts once, and so does what the watch tells no entries of", async () => {
  const log = createMemoryLog();
  const { now } = clock();
  const limits = { tokensPerDay: 100 };
  const one = await limiterOn(log, limits, now);
  const spend = (tokens: number) => one.begin("ada", []).end({ deltas: tokens });
  const late: (() => void)[] = [];
  const other = await limiterOn(
    {
      ...log,
      // The first with its entries, the second as a watch says it that looks for itself: by where the stream stands.
      watch: (stream, onCommit) =>
        log.watch(stream, (commit) => {
          const entries = commit.type === "appended" && late.length === 0 ? commit.entries : [];
          late.push(() => onCommit(commit.type === "appended" ? { ...commit, entries } : commit));
        }),
      async read(...args) {
        if (late.length === 0) {
          spend(60);
          await vi.waitFor(() => expect(late).toHaveLength(1));
          late[0]?.();
        }
        return log.read(...args);
      },
    },
    limits,
    now,
  );
  expect(other.refusal("ada")).toBeUndefined();
  spend(40);
  await vi.waitFor(() => expect(late).toHaveLength(2));
  late[1]?.();
  await vi.waitFor(() => expect(other.refusal("ada")?.code).toBe("tokens-spent"));
});

test("tokens that were read and written count for 24 hours; without a count of the provider deltas and letters do", async () => {
  const { now, pass } = clock();
  const limiter = await limiterOn(createMemoryLog(), { tokensPerDay: 100 }, now);
  limiter.begin("ada", [{ role: "user", text: "x".repeat(80) }]).end({ deltas: 40 });
  expect(limiter.refusal("ada")).toBeUndefined();
  limiter.begin("ada", []).end({ usage: { inputTokens: 10, outputTokens: 30 }, deltas: 7 });
  expect(limiter.refusal("ada")).toMatchObject({ code: "tokens-spent", retryAfterMs: 24 * HOUR_MS });
  pass(24 * HOUR_MS);
  expect(limiter.refusal("ada")).toBeUndefined();
});

test("all together may use so many tokens, however many people they are", async () => {
  const limiter = await limiterOn(createMemoryLog(), { allTokensPerDay: 10 }, clock().now);
  limiter.begin("guest-1", []).end({ deltas: 10 });
  expect(limiter.refusal("guest-2")).toMatchObject({ code: "tokens-spent" });
});

test("another node counts what this one was asked for, and a node that starts again what it was before", async () => {
  const log = createMemoryLog();
  const { now } = clock();
  const limits = { runsPerMinute: 1, tokensPerDay: 50 };
  const [one, other] = [await limiterOn(log, limits, now), await limiterOn(log, limits, now)];
  one.begin("ada", []).end({ deltas: 50 });
  await vi.waitFor(async () =>
    expect(await log.info(parseStreamName("sys/usage"))).toMatchObject({ head: 2 }),
  );
  expect(other.refusal("ada")?.code).toBe("too-many-runs");
  const later = await limiterOn(log, { tokensPerDay: 50 }, now);
  expect(later.refusal("ada")?.code).toBe("tokens-spent");
});

test("on a real Redis a person has the same limits on all nodes, and on one that starts later", async () => {
  await using redis = await startRedis();
  const nodes = await Promise.all([0, 1].map(() => openRedisLog({ url: redis.url })));
  const [log, otherLog] = nodes;
  if (log === undefined || otherLog === undefined) throw new Error("two were opened");
  try {
    const limits = { runsPerMinute: 3, tokensPerDay: 500, allTokensPerDay: 900 };
    const [one, other] = [
      await limiterOn(log, limits, Date.now),
      await limiterOn(otherLog, limits, Date.now),
    ];
    const refused = (who: string) => vi.waitFor(() => expect(other.refusal(who)).toBeDefined(), PATIENCE);
    const [first, second] = [one.begin("ada", []), other.begin("ada", [])];
    one.begin("ada", []);
    // Each node has started some of the three.
    await refused("ada");
    expect(other.refusal("ada")?.code).toBe("too-many-runs");
    await vi.waitFor(() => expect(one.refusal("ada")?.code).toBe("too-many-runs"), PATIENCE);
    expect(other.refusal("bob")).toBeUndefined();
    first.end({ deltas: 250 });
    second.end({ usage: { inputTokens: 200, outputTokens: 50 }, deltas: 1 });
    one.begin("bob", []).end({ deltas: 399 });
    expect(other.refusal("eve")).toBeUndefined();
    other.begin("bob", []).end({ deltas: 1 });
    // Of all together 900: eve has used nothing.
    await refused("eve");
    expect(other.refusal("eve")?.code).toBe("tokens-spent");
    const later = await limiterOn(otherLog, { tokensPerDay: 500 }, Date.now);
    expect(later.refusal("ada")?.code).toBe("tokens-spent");
    expect(later.refusal("bob")).toBeUndefined();
    for (const limiter of [one, other, later]) limiter.close();
  } finally {
    await Promise.all(nodes.map((node) => node.close()));
  }
});
