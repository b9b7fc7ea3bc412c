import type { Entry, StreamEnd, StreamStart } from "../protocol/event.ts";
import type { ResetReason } from "../protocol/cursor.ts";

/** How a stream's events, and what a connection says about itself, stand on the wire. Stateless: all readers share one.
 *  Each function gives whole SSE blocks, or `""` for nothing. Cursors come as they stand on the wire. */
export interface Format {
  /** Readers of one stream in one format share its frames. */
  readonly name: string;
  entry(cursor: string, entry: Entry): string;
  /** The first block. `retryMs` differs from reader to reader. */
  start(start: StreamStart, retryMs: number): string;
  caughtUp(cursor: string | undefined): string;
  /** What was sent so far is to be dropped; the stream comes anew after `cursor`, which is absent while it does not exist. */
  reset(reason: ResetReason, cursor: string | undefined): string;
  end(end: StreamEnd): string;
  ping(cursor: string | undefined): string;
}
