import type { StreamName } from "../protocol/names.ts";
import type { OpenWriter } from "./log.ts";
import { LEASES, PARTITIONS } from "./redis-keys.ts";
import type { RedisKeys } from "./redis-keys.ts";
import type { Topology } from "./redis-topology.ts";
import { ignoreUnavailable } from "./unavailable.ts";

/** Which nodes live, by the clock of Redis: each renews one lease for all its runs. A lease only says who may be taken for dead; should
 *  that be wrong, the writer is ended all the same, and the node that had it learns so from its next append. */
export interface Leases {
  openWriters(): Promise<OpenWriter[]>;
  /** Open writers of nodes whose lease has run out. */
  deadWriters(): Promise<OpenWriter[]>;
  /** Gives this node's lease back: what it leaves open is found at once. */
  close(): Promise<void>;
}

const TERM_MS = 4_000;
const RENEW_MS = 1_000;
/** After so long without any node, Redis was away, and all leases are given a term. */
const SILENCE_MS = 1_500;
/** Where Redis is away the lease runs out by itself. */
const LEAVE_MS = 500;

interface OwnedWriter extends OpenWriter {
  node: string;
}

export function createLeases(topology: Topology, keys: RedisKeys, node: string): Leases {
  /** Dead nodes whose writers have all been ended. */
  const settled = new Set<string>();
  let hasLooked = false;
  const timer = setInterval(() => void lease(node).catch(ignoreUnavailable), RENEW_MS);
  void lease(node).catch(ignoreUnavailable);

  async function lease(renewed: string, leaves = false): Promise<string[]> {
    const args = [renewed, TERM_MS, SILENCE_MS, leaves ? 1 : 0];
    return (await run(LEASES, "lease", [keys.leases], args)) as string[];
  }

  function run(partition: number, script: "lease" | "writers", names: string[], args: (string | number)[]) {
    const lane = topology.lanes[partition];
    if (lane === undefined) throw new Error(`there is no partition ${partition}`);
    return lane.run({ script, keys: names, args, isSafe: true });
  }

  async function ownedWriters(): Promise<OwnedWriter[]> {
    const all = Array.from({ length: PARTITIONS }, (_, partition) => partition);
    // One Redis is asked once; in a Cluster each partition is.
    const groups = topology.isCluster ? all.map((partition) => [partition]) : [all];
    const replies = await Promise.all(
      groups.map((group) =>
        run(
          group[0] ?? 0,
          "writers",
          group.map((partition) => keys.writers(partition)),
          [],
        ),
      ),
    );
    return replies.flatMap((reply) => readWriters(reply as string[]));
  }

  return {
    async openWriters() {
      return (await ownedWriters()).map(({ stream, id, epoch }) => ({ stream, id, epoch }));
    },
    async deadWriters() {
      const [isJudged, ...nodes] = await lease("");
      if (Number(isJudged) !== 1) return [];
      const died = nodes.filter((text) => text.startsWith("-") && !settled.has(text.slice(1)));
      if (died.length === 0 && hasLooked) return [];
      const living = new Set(nodes.filter((text) => text.startsWith("+")).map((text) => text.slice(1)));
      living.add(node);
      const dead = (await ownedWriters()).filter((writer) => !living.has(writer.node));
      // Whoever is left open is found again with the next look.
      if (dead.length === 0) for (const text of died) settled.add(text.slice(1));
      hasLooked = dead.length === 0;
      return dead.map(({ stream, id, epoch }) => ({ stream, id, epoch }));
    },
    async close() {
      clearInterval(timer);
      const late = new Promise<void>((resolve) => setTimeout(resolve, LEAVE_MS).unref());
      await Promise.race([lease(node, true).then(() => undefined, ignoreUnavailable), late]);
    },
  };
}

/** Reads pairs of `stream id` and `epoch node`. */
function readWriters(reply: readonly string[]): OwnedWriter[] {
  const writers: OwnedWriter[] = [];
  for (let index = 0; index + 1 < reply.length; index += 2) {
    const [stream = "", id = ""] = (reply[index] ?? "").split(" ");
    const [epoch, node = ""] = (reply[index + 1] ?? "").split(" ");
    writers.push({ stream: stream as StreamName, id, epoch: Number(epoch), node }); // written by APPEND
  }
  return writers;
}
