import type { Format } from "../hub/format.ts";
import type { StreamName } from "../protocol/names.ts";
import { encodeSse } from "../protocol/sse-encode.ts";

/** Events as they were appended, with named events for what the connection says about itself.
 *  Source: PROTOCOL.md "A connection". */
export const streamFormat: Format = {
  name: "stream",
  isTold: true,
  // The hot path: a cursor and JSON text hold no line break, so nothing is to be split.
  entry: (cursor, { data }) => `id: ${cursor}\ndata: ${data}\n\n`,
  start: (start, retry, id) => named("stream-start", start, id, retry),
  caughtUp: (cursor) => named("stream-caught-up", { cursor }, cursor),
  reset: (reason, from) => named("stream-reset", { reason, from }, from),
  end: (end) => named("stream-end", end),
  ping: (cursor) => named("ping", { cursor }, cursor),
};

/** One of several streams over one connection: the same, with the stream's name, and without the id, which is the reader's.
 *  Source: PROTOCOL.md "Several streams". */
export function severalFormat(stream: StreamName): Format {
  // A name holds nothing that JSON would escape.
  const head = `\ndata: {"stream":"${stream}","event":`;
  return {
    name: "several",
    isTold: true,
    entry: (cursor, { data }) => `${cursor}${head}${data}}\n\n`,
    start: (start) => named("stream-start", start),
    caughtUp: (cursor) => named("stream-caught-up", { stream, cursor }),
    reset: (reason, from) => named("stream-reset", { stream, reason, from }),
    end: (end) => named("stream-end", { stream, ...end }),
    ping: (cursor) => named("ping", { cursor }),
  };
}

/** A named block whose data is JSON. */
export function named(event: string, data: object, id?: string, retry?: number): string {
  return encodeSse({
    ...(retry !== undefined && { retry }),
    ...(id !== undefined && { id }),
    event,
    data: JSON.stringify(data),
  });
}
