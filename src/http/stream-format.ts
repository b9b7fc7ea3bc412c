import type { Format } from "../hub/format.ts";
import { encodeSse } from "../protocol/sse-encode.ts";

/** Events as they were appended, with named events for what the connection says about itself.
 *  Source: PROTOCOL.md "A connection". */
export const streamFormat: Format = {
  name: "stream",
  // The hot path: a cursor and JSON text hold no line break, so nothing is to be split.
  entry: (cursor, { data }) => `id: ${cursor}\ndata: ${data}\n\n`,
  start: (start, retry) => named("stream-start", start, start.from, retry),
  caughtUp: (cursor) => named("stream-caught-up", { cursor }, cursor),
  reset: (reason, from) => named("stream-reset", { reason, from }, from),
  end: (end) => named("stream-end", end),
  ping: (cursor) => named("ping", { cursor }, cursor),
};

/** A named block whose data is JSON. */
export function named(event: string, data: object, id?: string, retry?: number): string {
  return encodeSse({
    ...(retry !== undefined && { retry }),
    ...(id !== undefined && { id }),
    event,
    data: JSON.stringify(data),
  });
}
