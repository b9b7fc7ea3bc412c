import { randomBytes } from "node:crypto";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, expect, test } from "vitest";
import { partitionOf, slotOf } from "../../src/log/redis-keys.ts";
import { openRedisLog } from "../../src/log/redis.ts";
import type { RedisLog } from "../../src/log/redis.ts";
import { resolveCursor } from "../../src/protocol/cursor.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startRedis, startRedisCluster } from "../support/redis.ts";
import type { RedisServer } from "../support/redis.ts";
import { freePort } from "../support/server-process.ts";
import { CHAT, LOG, NAME, event, readNumbers } from "./conformance/support.ts";

const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const one of opened.splice(0).toReversed()) await one[Symbol.asyncDispose]();
});

function keep<T extends AsyncDisposable>(one: T): T {
  opened.push(one);
  return one;
}

async function openNode(url: string): Promise<RedisLog> {
  const log = await openRedisLog({ url });
  opened.push({ [Symbol.asyncDispose]: () => log.close() });
  return log;
}

/** A master, its replica over a link that can be cut, and an address that leads to the master until it is turned. */
async function startPair() {
  const args = ["--repl-diskless-sync-delay", "0"];
  const master = keep(await startRedis({ args }));
  const link = keep(await startCuttingProxy({ target: master.port }));
  const replica = keep(await startRedis({ args: [...args, "--replicaof", "127.0.0.1", String(link.port)] }));
  await isInStep(replica);
  const address = keep(await startCuttingProxy({ target: master.port }));
  return { master, link, replica, address, url: `redis://127.0.0.1:${address.port}` };
}

async function isInStep(replica: RedisServer): Promise<void> {
  const isUp = async () => (await replica.command("INFO", "replication")).includes("master_link_status:up");
  await expect.poll(isUp).toBe(true);
}

/** How far a Redis has come in what a master gives to its replicas. */
async function offset(redis: RedisServer, field: string): Promise<number> {
  return Number(new RegExp(`${field}:(\\d+)`).exec(await redis.command("INFO", "replication"))?.[1]);
}

/** Waits until a replica has all that its master has taken so far. */
async function hasAll(replica: RedisServer, master: RedisServer): Promise<void> {
  const head = await offset(master, "master_repl_offset");
  const reached = () => offset(replica, "slave_repl_offset");
  await expect.poll(reached).toBeGreaterThanOrEqual(head);
}

/** The master dies, and its replica takes its place under the same address. */
async function failOver({
  master,
  replica,
  address,
}: {
  master: RedisServer;
  replica: RedisServer;
  address: CuttingProxy;
}) {
  address.setRefusing(true);
  await master.kill();
  await replica.command("REPLICAOF", "NO", "ONE");
  address.setTarget(replica.port);
  address.setRefusing(false);
  address.cutAll();
}

/** What a node is told of a stream: numbers, and -1 where it has to look anew. */
async function follow(log: RedisLog): Promise<number[]> {
  const told: number[] = [];
  log.watch(NAME, (commit) => {
    if (commit.type !== "appended") told.push(-1);
    else for (const { data } of commit.entries) told.push((JSON.parse(data) as { n: number }).n);
  });
  await log.info(NAME);
  return told;
}

/** Appends one number after the other, pipelined, each as a step of a writer that is sent again until it has an answer. */
function startWriting(log: RedisLog) {
  const state = { isOver: false, taken: 0 };
  const firsts: Promise<number>[] = [];
  const step = async (seq: number): Promise<number> => {
    for (;;) {
      const writer = { id: "run", epoch: 1, seq };
      const outcome = await log.append(NAME, [event(seq)], { ...CHAT, writer }).catch(() => undefined);
      if (outcome?.status === "appended" || outcome?.status === "repeated") {
        state.taken += 1;
        return outcome.first;
      }
      await wait(20);
    }
  };
  const writing = (async () => {
    for (let seq = 0; !state.isOver; seq++) {
      firsts.push(step(seq));
      if (seq >= 8) await firsts[seq - 8];
      await wait(1);
    }
    return Promise.all(firsts);
  })();
  return {
    taken: () => state.taken,
    async stop() {
      state.isOver = true;
      return writing;
    },
  };
}

const numbers = (count: number, from = 0) => Array.from({ length: count }, (_, n) => from + n);

test("a replica that was in step takes over under appends: none is lost, none is there twice, and who watches is told all", async () => {
  const pair = await startPair();
  const [one, two] = [await openNode(pair.url), await openNode(pair.url)];
  const told = await follow(two);
  const writing = startWriting(one);
  await expect.poll(writing.taken).toBeGreaterThan(100);
  // So that nothing acknowledged is only on its way to it.
  await pair.master.command("CLIENT", "PAUSE", "60000", "WRITE");
  await hasAll(pair.replica, pair.master);
  await failOver(pair);
  const before = writing.taken();
  await expect.poll(writing.taken).toBeGreaterThan(before + 100);
  const firsts = await writing.stop();
  expect(firsts).toEqual(numbers(firsts.length, 1));
  expect(await readNumbers(two)).toEqual(numbers(firsts.length));
  await expect.poll(() => told.length).toBeGreaterThanOrEqual(firsts.length);
  expect(told).toEqual(numbers(firsts.length));
  expect((await two.info(NAME))?.epochs).toHaveLength(2);
});

test("a replica that lacked what was acknowledged opens an epoch: no place is given twice, and readers of what is gone are told", async () => {
  const pair = await startPair();
  const [one, two] = [await openNode(pair.url), await openNode(pair.url)];
  for (const n of numbers(10, 1)) await one.append(NAME, [event(n)], LOG);
  await one.append(NAME, [], { key: { id: "known", digest: "d", expiresAt: Date.now() + 60_000 } });
  await hasAll(pair.replica, pair.master);
  pair.link.setRefusing(true);
  pair.link.cutAll();
  const told = await follow(two);
  for (const n of numbers(5, 11)) await one.append(NAME, [event(n)]);
  await expect.poll(() => told).toEqual(numbers(5, 11));
  const epoch = (await one.info(NAME))?.epochs[0]?.epoch ?? "";
  await failOver(pair);
  await expect.poll(() => told.at(-1)).toBe(-1);
  await expect
    .poll(() => one.append(NAME, [event(100)]).catch(() => undefined))
    .toMatchObject({ status: "appended", first: 11 });
  const info = await two.info(NAME);
  const resolve = (offset: number) =>
    resolveCursor(info ?? { epochs: [], floor: 1, head: 0 }, { epoch, offset });
  expect(resolve(10)).toMatchObject({ status: "honoured" });
  for (const offset of [11, 15])
    expect(resolve(offset)).toMatchObject({ status: "reset", reason: "beyond-head" });
  expect(await readNumbers(two)).toEqual([...numbers(10, 1), 100]);
  await expect.poll(() => told.at(-1)).toBe(100);
  // What was claimed before is known after it.
  expect(await two.key("known")).toMatchObject({ digest: "d" });
});

test("a former master that comes back as a replica takes nothing, and what waits goes to the new one", async () => {
  const pair = await startPair();
  const log = await openNode(pair.url);
  await log.append(NAME, [event(1)], LOG);
  // The roles change while both live, as in a planned failover; the address still leads to the former master.
  await hasAll(pair.replica, pair.master);
  await pair.replica.command("REPLICAOF", "NO", "ONE");
  await pair.master.command("REPLICAOF", "127.0.0.1", String(pair.replica.port));
  // A step of a writer: the connection may be cut while it is under way, and then it is sent again.
  const append = log.append(NAME, [event(2)], { writer: { id: "run", epoch: 1, seq: 0 } });
  await isInStep(pair.master);
  pair.address.setTarget(pair.replica.port);
  pair.address.cutAll();
  expect(await append).toMatchObject({ status: "appended", first: 2 });
  expect(await readNumbers(log)).toEqual([1, 2]);
});

test("while Redis reads its file, appends wait within their bound and are refused as retryable; then all is there", async () => {
  // Each key takes it 100 ms to read.
  const redis = keep(
    await startRedis({
      args: ["--key-load-delay", "100000", "--loading-process-events-interval-bytes", "1024"],
    }),
  );
  const log = await openNode(redis.url);
  for (const n of numbers(3, 1)) await log.append(NAME, [event(n)], LOG);
  const hasty = await openRedisLog({ url: redis.url, timeoutMs: 400 });
  opened.push({ [Symbol.asyncDispose]: () => hasty.close() });
  // Random, so that it stays long on the disk.
  const filler = (n: number) => redis.command("SET", `filler-${n}`, randomBytes(1_000).toString("base64"));
  for (const n of numbers(40)) await filler(n);
  const told = await follow(log);
  await redis.command("SAVE");
  await redis.kill();
  const starting = redis.start();
  await expect.poll(() => redis.command("PING").catch(() => ""), { interval: 5 }).toMatch(/^-LOADING/);
  await expect(hasty.append(NAME, [event(4)])).rejects.toMatchObject({
    code: "log-unavailable",
    isRetryable: true,
  });
  expect(await redis.command("PING")).toMatch(/^-LOADING/);
  await starting;
  const append = () => log.append(NAME, [event(5)]).catch(() => undefined);
  await expect.poll(append).toMatchObject({ status: "appended", first: 4 });
  expect(await readNumbers(log)).toEqual([1, 2, 3, 5]);
  expect(told.filter((n) => n !== -1)).toEqual([5]);
});

test("CLUSTER FAILOVER under appends, and then a dead master: none is lost or there twice, and who watches goes on", async () => {
  const cluster = keep(await startRedisCluster());
  const slot = slotOf(partitionOf(NAME));
  const index = cluster.masters.findIndex((_, n) => slot < Math.floor((16_384 * (n + 1)) / 3));
  const master = cluster.masters[index];
  if (master === undefined) throw new Error("there are three masters");
  await master.command("CONFIG", "SET", "repl-diskless-sync-delay", "0");
  const bus = String(await freePort());
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000", "--cluster-port", bus];
  const replica = keep(await startRedis({ args }));
  await master.command("CLUSTER", "MEET", "127.0.0.1", String(replica.port), bus);
  const id = /([0-9a-f]{40})/.exec(await master.command("CLUSTER", "MYID"))?.[1] ?? "";
  const follows = () => replica.command("CLUSTER", "REPLICATE", id);
  await expect.poll(follows).toMatch(/^\+OK/);
  await isInStep(replica);

  const [one, two] = [await openNode(cluster.url), await openNode(cluster.url)];
  const told = await follow(two);
  const writing = startWriting(one);
  await expect.poll(writing.taken).toBeGreaterThan(100);
  const isMaster = async () => (await replica.command("ROLE")).includes("master");
  // Redis gives it up after 5 s where the others have not heard of the replica yet.
  for (let looks = 0; !(await isMaster()); looks++) {
    if (looks % 60 === 0) await replica.command("CLUSTER", "FAILOVER");
    await wait(100);
  }
  let before = writing.taken();
  await expect.poll(writing.taken).toBeGreaterThan(before + 100);
  // The former master is its replica now, and takes over when it dies. All that is acknowledged is there by then.
  await expect.poll(() => master.command("ROLE")).toContain("slave");
  await isInStep(master);
  await replica.command("CLIENT", "PAUSE", "60000", "WRITE");
  await hasAll(master, replica);
  await replica.kill();
  before = writing.taken();
  await expect.poll(writing.taken).toBeGreaterThan(before + 100);
  const firsts = await writing.stop();
  expect(firsts).toEqual(numbers(firsts.length, 1));
  expect(await readNumbers(two)).toEqual(numbers(firsts.length));
  await expect.poll(() => told.filter((n) => n !== -1).length).toBe(firsts.length);
  expect(told.filter((n) => n !== -1)).toEqual(numbers(firsts.length));
});
