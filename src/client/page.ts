import type { ResetReason } from "../protocol/cursor.ts";
import { StreamError } from "./error.ts";
import { isAhead } from "./position.ts";
import type { Api } from "./request.ts";

/** A stretch of a stream as JSON. */
export interface Page {
  events: { cursor: string; event: Record<string, unknown> }[];
  head: string;
  reset?: ResetReason;
  /** Nothing comes after it. */
  isLast: boolean;
}

/** Reads a stream page by page after a cursor until its head. Missing: there is none of this name.
 *  Errors: those of `Api.send`.
 *  Source: PROTOCOL.md "Streams". */
export async function readPages(
  api: Api,
  stream: string,
  after: string | undefined,
  signal: AbortSignal,
  onPage: (page: Page) => void,
): Promise<"caught-up" | "closed" | "missing"> {
  let cursor = after;
  for (;;) {
    const query = cursor === undefined ? "" : `?after=${cursor}`;
    let answer: WirePage;
    try {
      // Our own server's answer to our own question: its shape is the protocol's.
      answer = (await api.send("GET", `/v1/streams/${stream}${query}`, undefined, { signal })) as WirePage;
    } catch (error) {
      if (error instanceof StreamError && error.code === "stream-unknown") return "missing";
      throw error;
    }
    signal.throwIfAborted();
    const { events, next, head, reset, closed } = answer;
    const isLast = events.length === 0 || !isAhead(head, next);
    onPage({ events, head, isLast, ...(reset !== undefined && { reset }) });
    if (isLast) return closed ? "closed" : "caught-up";
    cursor = next;
  }
}

interface WirePage {
  events: { cursor: string; event: Record<string, unknown> }[];
  next: string;
  head: string;
  closed: boolean;
  reset?: ResetReason;
}
