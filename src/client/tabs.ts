import type { StreamKind } from "../protocol/event.ts";
import type { ConnectionView } from "./connection-state.ts";
import type { Attendance } from "./attendance.ts";
import type { Delivery, SourceCounts, Told } from "./delivery.ts";
import type { WireEvent } from "./wire.ts";

/** What a tab follows, as it tells the leader: from which cursor on it wants to be told of a stream. */
export interface Wish {
  stream: string;
  kind: StreamKind;
  cursor?: string | undefined;
}

/** What tabs say to each other. Nothing's correctness rests on it: who misses something reads pages. */
export type TabMessage =
  /** To the leader: are you there? `isWatching`: the tab wants to be told of the wire, for the next few seconds. */
  | { type: "ask"; isWatching: boolean }
  /** From the leader: an answer, or news of the connection. */
  | { type: "here"; view: ConnectionView; counts: SourceCounts }
  /** From a new leader, who asks what is followed. */
  | { type: "lead"; view: ConnectionView; counts: SourceCounts }
  /** Everything that a tab follows. */
  | { type: "wish"; tab: string; wishes: Wish[] }
  /** Everything that a tab listens to, and where it is. */
  | { type: "listen"; tab: string; streams: string[]; attendances: Attendance[] }
  | { type: "bye"; tab: string }
  /** `at`: the cursor at which the leader then stands in the stream. */
  | { type: "delivery"; stream: string; delivery: Delivery; at?: string | undefined }
  | { type: "told"; stream: string; told: Told }
  /** To the leader: a person wants it tried again. */
  | { type: "retry" }
  /** To the leader: a person wants to see the connection break. */
  | { type: "cut"; forMs: number }
  /** From the leader, while a tab wants to be told. */
  | { type: "wire"; event: WireEvent };

/** The part of the browser's BroadcastChannel that is used. */
export interface ChannelLike {
  addEventListener(type: "message", listener: (event: MessageEvent<TabMessage>) => void): void;
  postMessage(message: TabMessage): void;
  close(): void;
}

/** One thing that a leader does for all tabs that wish for it, once for all. */
export interface Broadcast<W> {
  /** Everything that a tab wishes for. */
  set(tab: string, wishes: readonly W[]): void;
  /** Forgets the tabs of which this says that they are gone. */
  prune(isAlive: (tab: string) => boolean): void;
  close(): void;
}

/** Makes a broadcast. Wishes with the same key are one; `start` begins to fulfil it and returns what ends that. */
export function createBroadcast<W>(keyOf: (wish: W) => string, start: (wish: W) => () => void): Broadcast<W> {
  const tabs = new Map<string, readonly W[]>();
  const stops = new Map<string, () => void>();

  function settle(): void {
    const wished = new Map<string, W>();
    for (const wish of [...tabs.values()].flat()) {
      const key = keyOf(wish);
      if (!wished.has(key)) wished.set(key, wish);
    }
    // From the first announced cursor; a tab that stands elsewhere reads pages up to where it can join.
    for (const [key, wish] of wished) if (!stops.has(key)) stops.set(key, start(wish));
    for (const [key, stop] of stops) {
      if (wished.has(key)) continue;
      stop();
      stops.delete(key);
    }
  }

  return {
    set(tab, wishes) {
      tabs.set(tab, wishes);
      settle();
    },
    prune(isAlive) {
      for (const tab of tabs.keys()) if (!isAlive(tab)) tabs.delete(tab);
      settle();
    },
    close() {
      for (const stop of stops.values()) stop();
      stops.clear();
      tabs.clear();
    },
  };
}
