import type { Entry, StreamEnd, StreamStart } from "../protocol/event.ts";
import type { ResetReason } from "../protocol/cursor.ts";

/** How a stream's events, and what a connection says about itself, stand on the wire. Stateless: all readers share one.
 *  Each function gives whole SSE blocks, or `""` for nothing. Cursors come as they stand on the wire.
 *  A format for several streams over one connection leaves `retry` and `id` to the reader, whose id is a set of cursors: its
 *  blocks have no id, and an entry begins with its cursor, to which the reader writes what leads up to it. */
export interface Format {
  /** Readers of one stream in one format share its frames: one name, one wire. */
  readonly name: string;
  /** Its readers are told what is not in the log: signals, presence. Default: they are not. */
  readonly isTold?: boolean;
  entry(cursor: string, entry: Entry): string;
  /** The first block. `retryMs` differs from reader to reader; without `id` the reader keeps the cursor that it has. */
  start(start: StreamStart, retryMs: number, id: string | undefined): string;
  caughtUp(cursor: string | undefined): string;
  /** What was sent so far is to be dropped; the stream comes anew after `cursor`, which is absent while it does not exist. */
  reset(reason: ResetReason, cursor: string | undefined): string;
  end(end: StreamEnd): string;
  ping(cursor: string | undefined): string;
}
