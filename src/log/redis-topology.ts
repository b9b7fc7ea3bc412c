import { PARTITIONS, slotOf } from "./redis-keys.ts";
import { Lane } from "./redis-lane.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisAccess, RedisAddress, RedisIdentity } from "./redis-link.ts";

/** Which Redis holds which partition: one all of them, or the masters of a Cluster. */
export interface Topology {
  /** The way to each partition. */
  readonly lanes: readonly Lane[];
  /** Known once the first Redis was reached. */
  readonly isCluster: boolean;
  /** Resolves when every partition can be reached. */
  readonly ready: Promise<void>;
  /** Why the last attempt to reach a Redis failed. */
  readonly problem: Error | undefined;
  /** The master of a partition. */
  addressOf(partition: number): RedisAddress | undefined;
  /** The connection to it, where there is one now. */
  linkOf(partition: number): RedisLink | undefined;
  /** Asks anew who holds what: a Redis has refused something. */
  refresh(): void;
  close(): Promise<void>;
}

export interface TopologyOptions {
  /** Where to begin: one Redis, or some masters of a Cluster. */
  seeds: readonly RedisAddress[];
  access: RedisAccess;
  timeoutMs: number;
}

const REFRESH_MS = 250;
const ALL = Array.from({ length: PARTITIONS }, (_, partition) => partition);

export function createTopology({ seeds, access, timeoutMs }: TopologyOptions): Topology {
  const links = new Map<string, RedisLink>();
  /** The address of each partition's master. */
  const places: (RedisAddress | undefined)[] = ALL.map(() => undefined);
  let isCluster = false;
  let isClosed = false;
  let isRefreshing = false;
  let problem: Error | undefined;
  let onAllReachable: (() => void) | undefined;
  const ready = new Promise<void>((resolve) => {
    onAllReachable = resolve;
  });
  const lanes = ALL.map(
    (partition) => new Lane({ link: () => linkOf(partition), onMoved: () => void refresh() }, { timeoutMs }),
  );
  // While a part of the Cluster cannot be reached, it may have another master.
  const watch = setInterval(() => {
    if (isCluster && ALL.some((partition) => linkOf(partition)?.identity === undefined)) void refresh();
  }, REFRESH_MS * 2);

  function linkOf(partition: number): RedisLink | undefined {
    const place = places[partition];
    return place && links.get(textOf(place));
  }

  function open(address: RedisAddress): RedisLink {
    const known = links.get(textOf(address));
    if (known !== undefined) return known;
    const link = new RedisLink(address, {
      access,
      hasScripts: true,
      onReady: (identity) => void onReady(link, identity),
      onUnfit: (error) => {
        problem = error;
      },
    });
    links.set(textOf(address), link);
    return link;
  }

  async function onReady(link: RedisLink, identity: RedisIdentity): Promise<void> {
    isCluster = identity.isCluster;
    if (isCluster) await refresh();
    else places.fill(link.address);
    const mine = ALL.filter((partition) => linkOf(partition) === link);
    for (const partition of mine) lanes[partition]?.pump();
    if (ALL.every((partition) => linkOf(partition)?.identity !== undefined)) onAllReachable?.();
  }

  /** Asks the Cluster who holds what. */
  async function refresh(): Promise<void> {
    if (isRefreshing || isClosed || !isCluster) return;
    isRefreshing = true;
    try {
      for (const link of links.values()) {
        if (link.identity === undefined) continue;
        const ranges = await link.send("CLUSTER", ["SLOTS"]).catch(() => undefined);
        if (!Array.isArray(ranges)) continue;
        place(ranges as SlotRange[], link.address); // as Redis documents it
        break;
      }
    } finally {
      // What is refused for having moved asks again soon enough.
      setTimeout(() => (isRefreshing = false), REFRESH_MS);
    }
  }

  function place(ranges: readonly SlotRange[], asked: RedisAddress): void {
    for (const partition of ALL) {
      const slot = slotOf(partition);
      const range = ranges.find(([from, to]) => from <= slot && slot <= to);
      if (range === undefined) continue;
      const [host, port] = range[2];
      const address = { host: host === "" ? asked.host : host, port };
      places[partition] = address;
      open(address);
      lanes[partition]?.pump();
    }
    const inUse = new Set([...seeds, ...places].map((address) => address && textOf(address)));
    for (const [text, link] of links) {
      if (inUse.has(text)) continue;
      links.delete(text);
      link.close();
    }
  }

  for (const seed of seeds) open(seed);

  return {
    lanes,
    ready,
    get isCluster() {
      return isCluster;
    },
    get problem() {
      return problem;
    },
    addressOf: (partition) => places[partition],
    linkOf,
    refresh: () => void refresh(),
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
      isClosed = true;
      clearInterval(watch);
      for (const link of links.values()) link.close();
    },
  };
}

type SlotRange = [from: number, to: number, master: [host: string, port: number]];

function textOf({ host, port }: RedisAddress): string {
  return `${host}:${port}`;
}
