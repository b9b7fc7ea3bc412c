import type { StreamKind } from "../protocol/event.ts";
import type { ConnectionView } from "./connection-state.ts";
import type { Delivery, SourceCounts } from "./delivery.ts";
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
  | { type: "bye"; tab: string }
  /** `at`: the cursor at which the leader then stands in the stream. */
  | { type: "delivery"; stream: string; delivery: Delivery; at?: string | undefined }
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

/** What one leader does for all other tabs: each stream that any of them wishes for is followed, and broadcast. */
export interface Broadcast {
  set(tab: string, wishes: Wish[]): void;
  /** Forgets the tabs of which this says that they are gone. */
  prune(isAlive: (tab: string) => boolean): void;
  close(): void;
}

/** Makes the broadcast of a leader. `follow` follows a stream on the leader's own source. */
export function createBroadcast(follow: (wish: Wish) => () => void): Broadcast {
  const tabs = new Map<string, Wish[]>();
  const stops = new Map<string, () => void>();

  function settle(): void {
    const wished = new Map<string, Wish>();
    for (const wish of [...tabs.values()].flat()) if (!wished.has(wish.stream)) wished.set(wish.stream, wish);
    for (const [stream, stop] of stops) {
      if (wished.has(stream)) continue;
      stop();
      stops.delete(stream);
    }
    // From the first announced cursor; a tab that stands elsewhere reads pages up to where it can join.
    for (const [stream, wish] of wished) if (!stops.has(stream)) stops.set(stream, follow(wish));
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
