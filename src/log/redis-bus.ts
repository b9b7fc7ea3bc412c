import type { Bus, BusTopic } from "./bus.ts";
import { createBus } from "./bus.ts";
import { LEASES } from "./redis-keys.ts";
import type { RedisKeys } from "./redis-keys.ts";
import { RedisLink } from "./redis-link.ts";
import type { RedisAccess } from "./redis-link.ts";
import type { Topology } from "./redis-topology.ts";

export interface RedisBusOptions {
  topology: Topology;
  access: RedisAccess;
  keys: RedisKeys;
  /** The name of this node, by which it knows its own hints again. */
  node: string;
}

const TOPICS: readonly BusTopic[] = ["signal", "presence", "stop"];
const RETRY_MS = 500;

/** Carries hints between nodes by Redis's publish and subscribe. In this process they are handed over at once, also while Redis is away;
 *  for the others they are lost then. */
export function createRedisBus({ topology, access, keys, node }: RedisBusOptions): Bus & { close(): void } {
  const local = createBus();
  let link: RedisLink | undefined;
  let isClosed = false;

  function onMessage(channel: string, message: string): void {
    const topic = TOPICS.find((known) => keys.channel(known) === channel);
    const at = message.indexOf(" ");
    if (topic !== undefined && message.slice(0, at) !== node) local.publish(topic, message.slice(at + 1));
  }

  /** Any Redis of a Cluster hears what is published at another. */
  function connect(): void {
    if (isClosed) return;
    const address = topology.addressOf(LEASES);
    if (address === undefined) {
      setTimeout(connect, RETRY_MS).unref();
      return;
    }
    const current = new RedisLink(address, {
      access,
      hasScripts: false,
      // Should it fail, the connection is lost, and it is asked again with the next one.
      onReady: () =>
        void current
          .subscribe(
            TOPICS.map((topic) => keys.channel(topic)),
            onMessage,
          )
          .catch(() => current.reset()),
      onUnfit() {
        const now = topology.addressOf(LEASES);
        if (now?.host === address.host && now.port === address.port) return;
        current.close();
        connect();
      },
    });
    link = current;
  }

  connect();
  return {
    publish(topic, hint) {
      local.publish(topic, hint);
      const to = topology.linkOf(LEASES);
      // A hint may be lost: what has to be known is in the log.
      void to?.send("PUBLISH", [keys.channel(topic), `${node} ${hint}`]).catch(() => undefined);
    },
    subscribe: (topic, onHint) => local.subscribe(topic, onHint),
    close() {
      isClosed = true;
      link?.close();
    },
  };
}
