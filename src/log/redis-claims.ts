import type { StreamName } from "../protocol/names.ts";
import type { AppendOutcome, KeyClaim, KeyRecord } from "./log.ts";
import { partitionOf } from "./redis-keys.ts";
import type { RedisKeys } from "./redis-keys.ts";
import type { Topology } from "./redis-topology.ts";
import { ignoreUnavailable } from "./unavailable.ts";

/** Keys that appends claim. On one Redis a claim is in the commit of its append, wherever both stand. In a Cluster they may stand in
 *  two slots: then the key's own slot first says which stream it leads to, and the record is in the commit of the append, beside
 *  its stream. */
export interface RedisClaims {
  /** Where an append of this stream finds the key, and the token of its claim, which has to be known before it is sent.
   *  `ready` resolves with that, or with the outcome of whoever claimed it before. `voided`: the token with which it was refused. */
  prepare(key: KeyClaim, stream: StreamName, voided?: string): { place: string; ready?: Promise<Prepared> };
  find(id: string): Promise<KeyRecord | undefined>;
  expire(id: string, expiresAt: number): Promise<void>;
  /** Notes that a claim is under way in this process: who asks for the key waits for it. */
  track(id: string, append: Promise<unknown>): void;
}

export type Prepared = { status: "claimed"; token: string } | { status: "known"; outcome: AppendOutcome };

/** Redis forgets a key so long after it has ended. */
const GRACE_MS = 60_000;
const ATTEMPTS = 20;

export function createRedisClaims(topology: Topology, keys: RedisKeys, now: () => number): RedisClaims {
  const underWay = new Map<string, Promise<unknown>>();

  function run(
    script: "point" | "void" | "expireKey",
    partition: number,
    id: string,
    args: (string | number)[],
  ) {
    const lane = topology.lanes[partition];
    if (lane === undefined) throw new Error(`there is no partition ${partition}`);
    return lane.run({ script, keys: [keys.claim(partition, id)], args, isSafe: true }) as Promise<string[]>;
  }

  /** Says in the key's own slot that it leads to a stream, or finds out where it led before. */
  async function point(key: KeyClaim, stream: StreamName, voided: string): Promise<Prepared> {
    const { id, digest } = key;
    const token = crypto.randomUUID();
    let former = voided;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      const args = [now(), stream, token, former, claimLifetime(key.expiresAt, now())];
      const [status, ...fields] = await run("point", partitionOf(id), id, args);
      if (status === "record") return { status: "known", outcome: judge(fields, digest) };
      const [to = "", holder = ""] = fields;
      if (to === stream) return { status: "claimed", token: holder };
      const [found, ...record] = await run("void", partitionOf(to), id, [now(), holder]);
      if (found === "record") return { status: "known", outcome: judge(record, digest) };
      former = holder;
    }
    throw new Error(`the key ${id} is claimed for ever other streams`);
  }

  async function locate(id: string): Promise<{ partition: number; record: KeyRecord } | undefined> {
    const home = partitionOf(id);
    const [status, ...fields] = await run("point", home, id, [now(), "", "", "", ""]);
    if (status === "record") return { partition: home, record: toRecord(fields) };
    if (status !== "to") return undefined;
    const partition = partitionOf(fields[0] ?? "");
    const [found, ...record] = await run("void", partition, id, [now(), ""]);
    return found === "record" ? { partition, record: toRecord(record) } : undefined;
  }

  async function settled(id: string): Promise<void> {
    await underWay.get(id)?.catch(ignoreUnavailable);
  }

  return {
    prepare(key, stream, voided) {
      const home = partitionOf(key.id);
      const target = partitionOf(stream);
      if (!topology.isCluster) return { place: keys.claim(home, key.id) };
      const place = keys.claim(target, key.id);
      if (home === target && voided === undefined) return { place };
      return { place, ready: point(key, stream, voided ?? "") };
    },
    async find(id) {
      await settled(id);
      return (await locate(id))?.record;
    },
    async expire(id, expiresAt) {
      await settled(id);
      const found = await locate(id);
      if (found === undefined) return;
      for (const partition of new Set([found.partition, partitionOf(id)])) {
        await run("expireKey", partition, id, [expiresAt, claimLifetime(expiresAt, now())]);
      }
    },
    track(id, append) {
      underWay.set(id, append);
      const forget = () => {
        if (underWay.get(id) === append) underWay.delete(id);
      };
      append.then(forget, forget);
    },
  };
}

/** The lifetime of a claim in Redis: until it ends and a while longer; empty: for ever. */
export function claimLifetime(expiresAt: number | undefined, now: number): number | "" {
  return expiresAt === undefined ? "" : Math.max(1, Math.ceil(expiresAt - now)) + GRACE_MS;
}

/** Tells from a record whether it was the same request. */
function judge(fields: readonly string[], digest: string): AppendOutcome {
  const record = toRecord(fields);
  return record.digest === digest ? { status: "replayed", record } : { status: "key-reused" };
}

/** Reads a record as the scripts return it: digest, stream, cursor, note, end. */
export function toRecord([digest = "", stream, cursor = "", note, expiresAt]: readonly (
  | string
  | null
)[]): KeyRecord {
  const record: KeyRecord = { digest: digest ?? "", stream: stream as StreamName, cursor: cursor ?? "" }; // written by us
  if (typeof note === "string") record.note = note;
  if (typeof expiresAt === "string") record.expiresAt = Number(expiresAt);
  return record;
}
