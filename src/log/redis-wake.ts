import type { StreamName } from "../protocol/names.ts";
import type { RedisKeys } from "./redis-keys.ts";
import { PARTITIONS } from "./redis-keys.ts";
import { LinkLostError, RedisLink } from "./redis-link.ts";
import type { RedisAccess } from "./redis-link.ts";
import type { Topology } from "./redis-topology.ts";

/** Waits until partitions wake. */
export interface WakeReader {
  /** Listens to a partition from now on. */
  need(partition: number): void;
  close(): void;
}

export interface WakeOptions {
  topology: Topology;
  access: RedisAccess;
  keys: RedisKeys;
  onWake: (stream: StreamName, commit: number, isDeleted: boolean) => void;
  /** What woke until now may have been missed. */
  onMissed: (partition: number) => void;
}

const BLOCK_MS = 1_000;
const MAX_ENTRIES = 1_000;
const PAUSE_MS = 100;

/** One Redis wakes all partitions over one connection. In a Cluster two slots cannot be waited for in one command, even on one node,
 *  so there each partition that is needed has a connection of its own. */
export function createWakeReader(options: WakeOptions): WakeReader {
  const { topology } = options;
  const listeners = new Map<number, Listener>();

  function listen(name: number, partitions: readonly number[]): void {
    if (listeners.has(name)) return;
    listeners.set(name, new Listener(options, partitions));
  }

  if (!topology.isCluster) {
    listen(
      0,
      Array.from({ length: PARTITIONS }, (_, partition) => partition),
    );
  }
  return {
    need(partition) {
      if (topology.isCluster) listen(partition, [partition]);
    },
    close() {
      for (const listener of listeners.values()) listener.close();
    },
  };
}

/** One connection that waits for some partitions. */
class Listener {
  readonly #options: WakeOptions;
  readonly #partitions: readonly number[];
  /** The last commit that was heard of, by partition. */
  readonly #heard = new Map<number, number>();
  #link: RedisLink | undefined;
  #isClosed = false;

  constructor(options: WakeOptions, partitions: readonly number[]) {
    this.#options = options;
    this.#partitions = partitions;
    this.#connect();
  }

  close(): void {
    this.#isClosed = true;
    this.#link?.close();
  }

  #connect(): void {
    if (this.#isClosed) return;
    this.#link?.close();
    const address = this.#options.topology.addressOf(this.#partitions[0] ?? 0);
    if (address === undefined) {
      setTimeout(() => this.#connect(), PAUSE_MS).unref();
      return;
    }
    const link = new RedisLink(address, {
      access: this.#options.access,
      hasScripts: false,
      onReady: () => void this.#listen(link),
      // The master may be another one now.
      onUnfit: () => this.#hasMoved(link) && this.#connect(),
    });
    this.#link = link;
  }

  #hasMoved(link: RedisLink): boolean {
    const address = this.#options.topology.addressOf(this.#partitions[0] ?? 0);
    return address?.host !== link.address.host || address.port !== link.address.port;
  }

  /** Listens for as long as the connection lasts. What woke before is looked for by whoever watches. */
  async #listen(link: RedisLink): Promise<void> {
    try {
      // All at once: one after the other they would take 64 times the way to Redis.
      const lasts = await Promise.all(
        this.#partitions.map((partition) =>
          link.send("XREVRANGE", [this.#wakeKey(partition), "+", "-", "COUNT", 1]),
        ),
      );
      for (const [index, partition] of this.#partitions.entries()) {
        const last = lasts[index] as [string][]; // entries, each an id and its fields
        this.#heard.set(partition, commitOf(last[0]?.[0] ?? "0-0"));
      }
      for (const partition of this.#partitions) this.#options.onMissed(partition);
      while (!this.#isClosed) await this.#hear(link);
    } catch (error) {
      // The connection was lost, or Redis cannot be read now: it is connected to anew, and begins from there.
      if (this.#isClosed) return;
      this.#options.topology.refresh();
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (this.#hasMoved(link)) this.#connect();
      // One that was lost is made anew by itself, and may stand again.
      else if (!(error instanceof LinkLostError)) link.reset();
    }
  }

  async #hear(link: RedisLink): Promise<void> {
    const keys = this.#partitions.map((partition) => this.#wakeKey(partition));
    const ids = this.#partitions.map((partition) => `${this.#heard.get(partition) ?? 0}-0`);
    const reply = await link.send("XREAD", [
      "COUNT",
      MAX_ENTRIES,
      "BLOCK",
      BLOCK_MS,
      "STREAMS",
      ...keys,
      ...ids,
    ]);
    for (const [key, entries] of (reply ?? []) as WakeReply) {
      const partition = this.#partitions[keys.indexOf(key)] ?? 0;
      const heard = this.#heard.get(partition) ?? 0;
      const first = commitOf(entries[0]?.[0] ?? "0-0");
      this.#heard.set(partition, commitOf(entries.at(-1)?.[0] ?? "0-0"));
      // The stream of wakes is short: who was away for long looks at everything.
      if (first > heard + 1) this.#options.onMissed(partition);
      for (const [id, [, stream, deleted]] of entries) {
        this.#options.onWake(stream as StreamName, commitOf(id), deleted !== undefined); // written by `wake`
      }
    }
  }

  #wakeKey(partition: number): string {
    return this.#options.keys.wake(partition);
  }
}

/** What XREAD answers: keys, and their entries with an id and fields. */
type WakeReply = [key: string, entries: [id: string, fields: string[]][]][];

function commitOf(id: string): number {
  return Number(id.slice(0, id.indexOf("-")));
}
