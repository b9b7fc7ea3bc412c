import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import type { Commit } from "../../src/log/log.ts";
import { RedisLogError } from "../../src/log/redis-url.ts";
import { openRedisLog } from "../../src/log/redis.ts";
import type { RedisLog } from "../../src/log/redis.ts";
import { resolveCursor } from "../../src/protocol/cursor.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { startRedis } from "../support/redis.ts";
import type { RedisServer, RedisServerOptions } from "../support/redis.ts";
import { CHAT, LOG, NAME, event, readNumbers } from "./conformance/support.ts";

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

async function redisServer(options?: RedisServerOptions): Promise<RedisServer> {
  const redis = await startRedis(options);
  opened.push(redis);
  return redis;
}

async function openNode(redis: RedisServer, timeoutMs = 5_000): Promise<RedisLog> {
  const log = await openRedisLog({ url: redis.url, timeoutMs });
  opened.push({ [Symbol.asyncDispose]: () => log.close() });
  return log;
}

/** What a node is told of a stream, as `head` and `closed`. */
async function follow(log: RedisLog): Promise<{ numbers: number[]; marks: string[] }> {
  const seen = { numbers: [] as number[], marks: [] as string[] };
  log.watch(NAME, (commit: Commit) => {
    if (commit.type !== "appended") {
      seen.marks.push(commit.type);
      return;
    }
    for (const { data } of commit.entries) seen.numbers.push((JSON.parse(data) as { n: number }).n);
    if (commit.info.isClosed) seen.marks.push(`closed at ${commit.info.head}`);
  });
  await log.info(NAME);
  return seen;
}

const numbers = (count: number, from = 1) => Array.from({ length: count }, (_, n) => from + n);

test("a node is told what others append, each event once and in order, and of the end", async () => {
  const redis = await redisServer();
  const [one, two] = [await openNode(redis), await openNode(redis)];
  const [seenByOne, seenByTwo] = [await follow(one), await follow(two)];
  for (const n of numbers(200)) void (n % 3 === 0 ? one : two).append(NAME, [event(n)], LOG);
  await expect.poll(() => seenByTwo.numbers.length).toBe(200);
  await expect.poll(() => seenByOne.numbers.length).toBe(200);
  await one.append(NAME, [], { close: true });
  for (const seen of [seenByOne, seenByTwo]) {
    expect(seen.numbers).toEqual(await readNumbers(one));
    await expect.poll(() => seen.marks).toEqual(["closed at 200"]);
  }
  await two.delete(NAME);
  for (const seen of [seenByOne, seenByTwo]) await expect.poll(() => seen.marks.at(-1)).toBe("deleted");
  await one.append(NAME, [event(500)], LOG);
  await expect.poll(() => seenByTwo.numbers.at(-1)).toBe(500);
});

test("a Redis that restarts with what it wrote to its file keeps all, and readers go on in a new epoch", async () => {
  const redis = await redisServer({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const [one, two] = [await openNode(redis), await openNode(redis)];
  const seen = await follow(two);
  for (const n of numbers(20)) await one.append(NAME, [event(n)], LOG);
  await expect.poll(() => seen.numbers).toEqual(numbers(20));
  const before = await one.info(NAME);
  await redis.kill();
  // Until the node knows: what is under way at that moment may or may not have been taken.
  await wait(50);
  const during = one.append(NAME, [event(21)]);
  await wait(300);
  await redis.start();
  expect(await during).toMatchObject({ status: "appended", first: 21 });
  await expect.poll(() => seen).toEqual({ numbers: numbers(21), marks: [] });
  const after = await two.info(NAME);
  expect(after?.epochs).toEqual([before?.epochs[0], { epoch: expect.any(String), from: 21 }]);
  expect(await readNumbers(two)).toEqual(numbers(21));
});

test("a Redis that lost the end of a stream gives no place twice, and says so to who watches", async () => {
  const redis = await redisServer();
  const [one, two] = [await openNode(redis), await openNode(redis)];
  for (const n of numbers(10)) await one.append(NAME, [event(n)], LOG);
  await redis.command("SAVE");
  const seen = await follow(two);
  for (const n of numbers(5, 11)) await one.append(NAME, [event(n)]);
  await expect.poll(() => seen.numbers).toEqual(numbers(5, 11));
  const epoch = (await one.info(NAME))?.epochs[0]?.epoch ?? "";
  await redis.kill();
  await redis.start();
  await expect.poll(() => seen.marks).toEqual(["replaced"]);
  expect(await one.append(NAME, [event(100)])).toMatchObject({ status: "appended", first: 11 });
  const info = await two.info(NAME);
  expect(resolveCursor(info ?? { epochs: [], floor: 1, head: 0 }, { epoch, offset: 10 })).toMatchObject({
    status: "honoured",
  });
  for (const offset of [11, 15]) {
    expect(resolveCursor(info ?? { epochs: [], floor: 1, head: 0 }, { epoch, offset })).toMatchObject({
      reason: "beyond-head",
    });
  }
  await expect.poll(() => seen.numbers.at(-1)).toBe(100);
});

test("a Redis that lost everything says so, and what comes then is another stream", async () => {
  const redis = await redisServer();
  const log = await openNode(redis);
  const seen = await follow(log);
  await log.append(NAME, [event(1), event(2)], LOG);
  const before = await log.info(NAME);
  await redis.kill();
  await redis.start();
  await expect.poll(() => seen.marks).toEqual(["replaced"]);
  expect(await log.info(NAME)).toBeUndefined();
  expect(await log.append(NAME, [event(3)])).toEqual({ status: "missing" });
  await log.append(NAME, [event(4)], LOG);
  expect((await log.info(NAME))?.epochs[0]?.epoch).not.toBe(before?.epochs[0]?.epoch);
  await expect.poll(() => seen.numbers).toEqual([1, 2, 4]);
});

test("an append waits for a Redis that is away, within its bound, and then can be sent again", async () => {
  const redis = await redisServer({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const patient = await openNode(redis);
  await patient.append(NAME, [event(1)], LOG);
  const log = await openNode(redis, 400);
  await redis.kill();
  const begun = performance.now();
  const append = log.append(NAME, [event(2)]);
  await expect(append).rejects.toMatchObject({ code: "log-unavailable", isRetryable: true });
  expect(performance.now() - begun).toBeLessThan(5_000);
  await expect(log.read(NAME, 0)).rejects.toMatchObject({ code: "log-unavailable" });
  await redis.start();
  await expect.poll(() => readNumbers(log).catch(() => [])).toEqual([1]);
});

test("a Redis that is killed under 400 pipelined steps loses, doubles and reorders none that is sent again", async () => {
  const redis = await redisServer({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
  const log = await openNode(redis);
  const step = async (seq: number) => {
    for (;;) {
      const writer = { id: "run", epoch: 1, seq };
      const outcome = await log.append(NAME, [event(seq)], { ...CHAT, writer }).catch(() => undefined);
      if (outcome?.status === "appended" || outcome?.status === "repeated") return outcome.first;
      await wait(20);
    }
  };
  const firsts: Promise<number>[] = [];
  for (let seq = 0; seq < 400; seq++) {
    firsts.push(step(seq));
    // No more under way than what a writer's answers are remembered for.
    if (seq >= 12) await firsts[seq - 12];
    if (seq === 100 || seq === 250) void redis.kill().then(() => redis.start());
  }
  expect(await Promise.all(firsts)).toEqual(numbers(400));
  expect(await readNumbers(log)).toEqual(numbers(400, 0));
});

test("a Redis out of memory refuses appends as log-full, and is read from", async () => {
  const redis = await redisServer();
  const log = await openNode(redis);
  await log.append(NAME, [event(1)], LOG);
  await redis.command("CONFIG", "SET", "maxmemory", "1mb");
  await expect(log.append(NAME, [event(2)])).rejects.toMatchObject({ code: "log-full" });
  expect(await readNumbers(log)).toEqual([1]);
  await redis.command("CONFIG", "SET", "maxmemory", "0");
  expect(await log.append(NAME, [event(3)])).toMatchObject({ status: "appended", first: 2 });
});

test("waits while Redis is a replica, and takes appends when it is a master again", async () => {
  const redis = await redisServer();
  const other = await redisServer();
  const log = await openNode(redis);
  await log.append(NAME, [event(1)], LOG);
  // Its master cannot be reached, so it keeps what it has.
  await other.kill();
  await redis.command("REPLICAOF", "127.0.0.1", String(other.port));
  const append = log.append(NAME, [event(2)]);
  await wait(300);
  await redis.command("REPLICAOF", "NO", "ONE");
  expect(await append).toMatchObject({ status: "appended", first: 2 });
  expect(await readNumbers(log)).toEqual([1, 2]);
});

test("a run's node that dies is found dead by another within 5 s, and not while Redis was away", async () => {
  const redis = await redisServer();
  const way = await startCuttingProxy({ target: redis.port });
  opened.push(way);
  const one = await openRedisLog({ url: `redis://127.0.0.1:${way.port}` });
  const two = await openNode(redis);
  const writer = { id: "run", epoch: 1, seq: 0 };
  await one.append(NAME, [event(1)], { ...CHAT, writer });
  const look = async () => (await two.deadWriters()).map(({ id }) => id);
  const isDeadWithin = async (ms: number) => {
    for (const until = performance.now() + ms; performance.now() < until; await wait(100)) {
      if ((await look()).length > 0) return true;
    }
    return false;
  };
  expect(await isDeadWithin(5_000)).toBe(false);
  // Both live, but nobody could renew anything for longer than a lease lasts.
  process.kill(redis.pid(), "SIGSTOP");
  await wait(4_500);
  process.kill(redis.pid(), "SIGCONT");
  expect(await isDeadWithin(5_000)).toBe(false);
  // It dies without a word: one that is closed gives its lease back.
  way.setRefusing(true);
  way.cutAll();
  const diedAt = performance.now();
  expect(await isDeadWithin(6_000)).toBe(true);
  expect(performance.now() - diedAt).toBeLessThan(5_000);
  await two.append(NAME, [event(2)], { endsWriter: "run" });
  expect(await look()).toEqual([]);
  await one.close();
});

test("a node that closes is known to be gone at once", async () => {
  const redis = await redisServer();
  const [one, two] = [await openNode(redis), await openNode(redis)];
  await one.append(NAME, [event(1)], { ...CHAT, writer: { id: "run", epoch: 1, seq: 0 } });
  // Each has been there for longer than it is judged.
  await wait(4_500);
  expect(await two.deadWriters()).toEqual([]);
  await one.close();
  expect(await two.deadWriters()).toMatchObject([{ id: "run" }]);
});

test("says what is wrong with a Redis that cannot be used", async () => {
  const redis = await redisServer({ args: ["--maxmemory-policy", "allkeys-lru"] });
  const options = { url: redis.url, connectMs: 500 };
  await expect(openRedisLog(options)).rejects.toThrow(/maxmemory-policy is allkeys-lru/);
  await redis.kill();
  await expect(openRedisLog(options)).rejects.toThrow(RedisLogError);
});

test("carries hints between nodes, and gives each its own at once", async () => {
  const redis = await redisServer();
  const [one, two] = [await openNode(redis), await openNode(redis)];
  const heard = { one: [] as string[], two: [] as string[] };
  one.bus.subscribe("signal", (hint) => heard.one.push(hint));
  two.bus.subscribe("signal", (hint) => heard.two.push(hint));
  let sent = 0;
  // Until both have subscribed.
  await expect
    .poll(() => {
      one.bus.publish("signal", `hint ${++sent}`);
      return heard.two.length;
    })
    .toBeGreaterThan(0);
  expect(heard.one).toEqual(numbers(sent).map((n) => `hint ${n}`));
  two.bus.publish("signal", "from two");
  await expect.poll(() => heard.one.at(-1)).toBe("from two");
  expect(heard.two.filter((hint) => hint === "from two")).toHaveLength(1);
});

test("a node whose connections are dropped makes each anew, once", async () => {
  const redis = await redisServer();
  const log = await openNode(redis);
  const seen = await follow(log);
  await log.append(NAME, [event(1)], LOG);
  let asked = 0;
  const command = (...args: string[]) => {
    asked += 1;
    return redis.command(...args);
  };
  // Without those of these commands.
  const made = async () =>
    Number(/total_connections_received:(\d+)/.exec(await command("INFO", "stats"))?.[1]) - asked;
  const before = await made();
  await command("CLIENT", "KILL", "TYPE", "normal");
  let last = before;
  const madeInOneSecond = async () => {
    await wait(1_000);
    const former = last;
    last = await made();
    return last - former;
  };
  await expect.poll(madeInOneSecond).toBe(0);
  // That of the scripts, and that which waits for wakes; the bus has its own.
  expect(last - before).toBe(2);
  await log.append(NAME, [event(2)]);
  await expect.poll(() => seen.numbers).toEqual([1, 2]);
});
