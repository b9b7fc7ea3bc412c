import { setTimeout as wait } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { partitionOf, slotOf } from "../../src/log/redis-keys.ts";
import { openRedisLog } from "../../src/log/redis.ts";
import type { RedisLog } from "../../src/log/redis.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { startRedisCluster } from "../support/redis.ts";
import type { RedisCluster, RedisServer } from "../support/redis.ts";
import { LOG, NAME, event, readNumbers } from "./conformance/support.ts";

let cluster: RedisCluster | undefined;
let one: RedisLog | undefined;
let two: RedisLog | undefined;
beforeAll(async () => {
  cluster = await startRedisCluster();
  one = await openRedisLog({ url: cluster.url });
  two = await openRedisLog({ url: cluster.url });
});
afterAll(async () => {
  await one?.close();
  await two?.close();
  await cluster?.[Symbol.asyncDispose]();
});

/** Which master holds a slot. */
async function holderOf(slot: number): Promise<RedisServer> {
  for (const master of cluster?.masters ?? []) {
    const ranges = /myself.* connected (.*)/.exec(await master.command("CLUSTER", "NODES"))?.[1] ?? "";
    const isHere = ranges.split(" ").some((range) => {
      const [from, to = from] = range.split("-").map(Number);
      return from !== undefined && to !== undefined && from <= slot && slot <= to;
    });
    if (isHere) return master;
  }
  throw new Error(`nobody holds slot ${slot}`);
}

async function idOf(master: RedisServer): Promise<string> {
  return /\r\n([0-9a-f]{40})\r\n/.exec(await master.command("CLUSTER", "MYID"))?.[1] ?? "";
}

/** Moves a slot with all its keys, as `redis-cli --cluster reshard` does. */
async function moveSlot(slot: number, from: RedisServer, to: RedisServer): Promise<number> {
  const [fromId, toId] = [await idOf(from), await idOf(to)];
  await to.command("CLUSTER", "SETSLOT", String(slot), "IMPORTING", fromId);
  await from.command("CLUSTER", "SETSLOT", String(slot), "MIGRATING", toId);
  let moved = 0;
  for (;;) {
    const answer = await from.command("CLUSTER", "GETKEYSINSLOT", String(slot), "1");
    const key = /\$\d+\r\n(.+)\r\n\+OK/.exec(answer)?.[1];
    if (key === undefined) break;
    await from.command("MIGRATE", "127.0.0.1", String(to.port), key, "0", "5000");
    moved += 1;
  }
  for (const master of cluster?.masters ?? []) {
    await master.command("CLUSTER", "SETSLOT", String(slot), "NODE", toId);
  }
  return moved;
}

test("a partition that moves to another master under appends keeps their order, and is watched there", async () => {
  const slot = slotOf(partitionOf(NAME));
  const from = await holderOf(slot);
  const to = cluster?.masters.find((master) => master !== from);
  if (to === undefined) throw new Error("there are three masters");
  const told: number[] = [];
  two?.watch(NAME, (commit) => {
    if (commit.type === "replaced") told.push(-1);
    if (commit.type !== "appended") return;
    for (const { data } of commit.entries) told.push((JSON.parse(data) as { n: number }).n);
  });
  await two?.info(NAME);
  const taken: number[] = [];
  const moving = { isOver: false };
  const appends: Promise<unknown>[] = [];
  const appending = (async () => {
    for (let n = 1; !moving.isOver || n <= 300; n++) {
      const append = one?.append(NAME, [event(n)], LOG).then(() => taken.push(n));
      appends.push(append ?? Promise.resolve());
      await wait(2);
    }
  })();
  await expect.poll(() => taken.length).toBeGreaterThan(50);
  expect(await moveSlot(slot, from, to)).toBeGreaterThan(3);
  const moved = taken.length;
  await expect.poll(() => taken.length).toBeGreaterThan(moved + 100);
  moving.isOver = true;
  await appending;
  await Promise.all(appends);
  expect(taken).toEqual(taken.toSorted((a, b) => a - b));
  if (one === undefined) return;
  expect(await readNumbers(one)).toEqual(taken);
  await expect.poll(() => told).toEqual(taken);
});

test("while a master is away its streams are refused within the bound, and the others go on", async () => {
  const names = Array.from({ length: 40 }, (_, n) => parseStreamName(`tests/many-${n}`));
  const append = (n: number) =>
    Promise.allSettled(
      names.map(async (name) => {
        await one?.append(name, [event(n)], LOG);
      }),
    );
  await append(1);
  const [master] = cluster?.masters ?? [];
  const others = [];
  for (const name of names) if ((await holderOf(slotOf(partitionOf(name)))) !== master) others.push(name);
  expect(others.length).toBeGreaterThan(10);
  expect(others.length).toBeLessThan(40);
  // Without this a Cluster of which a part is gone answers nothing at all.
  for (const other of cluster?.masters ?? []) {
    await other.command("CONFIG", "SET", "cluster-require-full-coverage", "no");
  }
  await master?.kill();
  const outcomes = await append(2);
  const taken = names.filter((_, index) => outcomes[index]?.status === "fulfilled");
  expect(taken).toEqual(others);
  await master?.start();
  await expect.poll(async () => (await append(3)).every(({ status }) => status === "fulfilled")).toBe(true);
});
