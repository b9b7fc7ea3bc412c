import type { Verdict } from "./position.ts";

/** What happens on a connection, in the order in which it happens. */
export type WireNews =
  /** A connection is asked for; the address names the streams, and the cursors after which it reads. */
  | { type: "request"; url: string }
  | { type: "open" }
  /** One block of the event stream, as it came. `id` is what an EventSource would send back: a block without one has that of
   *  the block before it. */
  | {
      type: "block";
      event?: string | undefined;
      id?: string | undefined;
      data: string;
      /** The stream that it belongs to; absent with what is the connection's own, such as a ping. */
      stream?: string;
      /** It came before its stream had caught up. */
      isReplay: boolean;
      /** Of an event: how it follows what was had. Anything but `next` is repaired before a follower is told. */
      order?: Verdict;
    }
  /** The connection broke or was refused. `retryAt`: when the next try is due, in Unix milliseconds; absent: never. */
  | { type: "cut"; retryAt?: number; status?: number; message?: string };

/** What happened on a connection. `at`: when, in Unix milliseconds. */
export type WireEvent = WireNews & { at: number };
