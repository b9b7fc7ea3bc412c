import type { StreamName } from "../protocol/names.ts";

/** Streams are spread over so many partitions; all keys of one stand in one slot of Redis Cluster. It never changes: a stream
 *  would not be found again. */
export const PARTITIONS = 64;

/** Where things stand in Redis: `millrace:{17}:stream:tickets/42`. What is in braces decides the slot. */
export interface RedisKeys {
  /** What a script of a stream is given, in this order. */
  stream(name: StreamName): string[];
  /** The stream of a partition that says which of its streams changed. */
  wake(partition: number): string;
  /** Counts the commits of a partition. */
  counter(partition: number): string;
  /** The writers of a partition that have begun and not ended, each with its node. */
  writers(partition: number): string;
  /** A claimed key, as it stands in a partition. */
  claim(partition: number, id: string): string;
  /** Which nodes live, and until when. */
  leases: string;
  channel(topic: string): string;
}

export function createRedisKeys(prefix: string): RedisKeys {
  const at = (partition: number, rest: string) => `${prefix}:{${partition}}:${rest}`;
  return {
    stream(name) {
      const partition = partitionOf(name);
      const kinds = ["stream", "tail", "records", "keys", "gone", "writer"];
      return [
        ...kinds.map((kind) => at(partition, `${kind}:${name}`)),
        at(partition, "wake"),
        at(partition, "commits"),
        at(partition, "writers"),
      ];
    },
    wake: (partition) => at(partition, "wake"),
    counter: (partition) => at(partition, "commits"),
    writers: (partition) => at(partition, "writers"),
    claim: (partition, id) => at(partition, `claim:${id}`),
    leases: at(LEASES, "leases"),
    channel: (topic) => `${prefix}:bus:${topic}`,
  };
}

/** The partition in which the leases stand. */
export const LEASES = 0;

/** FNV-1a, which spreads names well enough and needs no table. */
export function partitionOf(name: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < name.length; index++) {
    hash = Math.imul(hash ^ name.charCodeAt(index), 0x01000193);
  }
  return ((hash ^ (hash >>> 15)) >>> 0) % PARTITIONS;
}

/** The slot of Redis Cluster in which a partition stands. Source: Redis Cluster specification, "Keys distribution model". */
export function slotOf(partition: number): number {
  let crc = 0;
  for (const digit of String(partition)) {
    crc ^= digit.charCodeAt(0) << 8;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 0x8000) === 0 ? crc << 1 : (crc << 1) ^ 0x1021;
    crc &= 0xffff;
  }
  return crc % 16_384;
}
