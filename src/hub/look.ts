import type { StreamName } from "../protocol/names.ts";

/** A reader as it stands at the moment of looking: for who runs the server. */
export interface ReaderLook {
  /** Its number in this process. */
  id: number;
  /** The id of the request that it came with. */
  request?: string;
  /** The principal that reads. */
  who?: string;
  /** How its bytes leave: to the socket itself, through Node's response, or as a web-standard body. */
  transport: Transport;
  /** Unix milliseconds. */
  cameAt: number;
  /** When it first had what was there before it came: until then it was read to from the log or the ring. */
  caughtUpAt?: number;
  /** How it began: `resumed` with a cursor that was honoured, `reset` with one that was not. */
  began: "new" | "resumed" | "reset";
  state: "live" | "behind" | "blocked";
  /** Sent to it, with the head where that can be told. */
  bytes: number;
  /** Of them, what was there before it came. */
  replayedBytes: number;
  /** Taken and not yet passed on to the network. */
  buffered: number;
  streams: readonly StreamLook[];
}

/** One of the streams of a reader. */
export interface StreamLook {
  stream: StreamName;
  /** The cursor after which it began. Both are absent while the stream does not exist. */
  from?: string;
  cursor?: string;
  /** Events that it has not got. */
  lag: number;
}

export type Transport = "socket" | "response" | "web";

/** A reader that has gone. */
export interface ReaderGone extends ReaderLook {
  leftAt: number;
  why: LeaveReason;
}

/** `left`: it went by itself, or its network did; `ended`: its streams did; `aged`, `stalled`, `drained`: the server closed it, and it comes back;
 *  `unanswered`: so did the server, since the log did not answer; `cut`: somebody who runs the server did. */
export type LeaveReason =
  | "left"
  | "ended"
  | "aged"
  | "stalled"
  | "unanswered"
  | "drained"
  | "cut"
  | "expired";

/** What is counted since the start: readers that came, how they began, and bytes that were there before them. */
export interface HubCounts {
  came: number;
  resumed: number;
  resets: number;
  stalled: number;
  /** Of readers that have gone. */
  replayedBytes: number;
}
