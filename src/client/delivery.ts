import type { ResetReason } from "../protocol/cursor.ts";
import type { StreamKind } from "../protocol/event.ts";
import type { ConnectionView } from "./connection-state.ts";
import type { Attendance } from "./attendance.ts";
import type { WireEvent } from "./wire.ts";

/** What a follower of a stream is given, in order, each event once. */
export type Delivery =
  | {
      type: "event";
      cursor: string;
      event: Record<string, unknown>;
      /** It happened before the connection had caught up. */
      isReplay: boolean;
    }
  /** The follower has what the stream holds; may come again after each connection. */
  | { type: "caught-up"; cursor?: string }
  /** What was folded so far is to be dropped: the stream follows from its start. */
  | { type: "reset"; reason: ResetReason; from?: string }
  /** The last delivery. */
  | { type: "end"; reason: "closed" | "deleted" };

export interface FollowOptions {
  /** The cursor after which deliveries begin. Default: before the first event that is kept. */
  after?: string | undefined;
  kind: StreamKind;
  onDelivery: (delivery: Delivery) => void;
}

/** What failed to come in order (holes, doubles), which was then repaired, and how often the connection was opened anew. */
export interface SourceCounts {
  gaps: number;
  doubles: number;
  reconnects: number;
}

/** What is told of a stream to those who are there, beside its events: it is in no log, and may be lost. */
export interface Told {
  event: "signal" | "presence";
  /** As PROTOCOL.md says under the event's name. */
  data: Record<string, unknown>;
}

/** One connection for everything that is followed. */
export interface Source {
  /** Follows a stream until the returned function is called; several may follow the same one, each from its own cursor. */
  follow: (stream: string, options: FollowOptions) => () => void;
  /** Hears what is told of a stream, whether it is followed or not, until the returned function is called. */
  listen: (stream: string, onTold: (told: Told) => void) => () => void;
  /** Lets this browser be present in a stream until the returned function is called. Of several in one stream the latest holds. */
  attend: (attendance: Attendance) => () => void;
  /** What the server knows this browser by: a secret between the two. */
  readonly browser: string;
  /** The same object until it changes. */
  readonly connection: ConnectionView;
  /** Calls the listener after each change of `connection`; returns what ends that. */
  onConnection: (listener: () => void) => () => void;
  readonly counts: SourceCounts;
  /** Tries again now, by the wish of a person, after a refusal too. */
  retry: () => void;
  /** Calls the listener with everything that happens on the wire from now on, whichever tab holds it; returns what ends that.
   *  It is there to be looked at: a tab that is not seen may miss some of it. */
  onWire: (listener: (event: WireEvent) => void) => () => void;
  /** Breaks the connection as a network would, to see what happens then. `forMs`: how long it stays away at least, at most
   *  60,000; default 0. */
  cut: (forMs?: number) => void;
  close: () => void;
}
