/** What a hint is about. */
export type BusTopic = "signal" | "presence" | "stop";

/** Carries hints between the parts of a server, and between its nodes: who types, who is here. A hint may be lost, doubled or late,
 *  so nothing's correctness rests on one: what has to be known is in the log.
 *  Shape:  a hint is JSON text of at most a few kilobytes.
 *  Order:  none between two publishers. */
export interface Bus {
  publish(topic: BusTopic, hint: string): void;
  /** Calls back with what is published from now on, by this node too, until the returned function is called. */
  subscribe(topic: BusTopic, onHint: (hint: string) => void): () => void;
}

/** Makes the bus of a server that is alone: hints are handed over at once, so nothing waits and nothing needs a bound. */
export function createBus(): Bus {
  const listeners = {
    signal: new Set<(hint: string) => void>(),
    presence: new Set<(hint: string) => void>(),
    stop: new Set<(hint: string) => void>(),
  };
  return {
    publish(topic, hint) {
      for (const listener of listeners[topic]) listener(hint);
    },
    subscribe(topic, onHint) {
      // Of its own: the same function may be given twice.
      const own = (hint: string) => onHint(hint);
      listeners[topic].add(own);
      return () => listeners[topic].delete(own);
    },
  };
}
