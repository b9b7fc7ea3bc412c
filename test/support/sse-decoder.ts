import { createParser } from "eventsource-parser";

/** A block as it was dispatched. Without `data` it is an id alone, which no page sees, but which the next request brings. */
export interface DecodedBlock {
  id?: string | undefined;
  event?: string | undefined;
  data?: string | undefined;
}

export interface SseDecoder {
  feed(bytes: Uint8Array): void;
}

/** Decodes the bytes of an event stream, however they are split. Pure. `eventsource-parser` reads the fields; what it keeps to
 *  itself is added: a block that only has an id.
 *  Source: WHATWG HTML 9.2.6: the last event id is set at each dispatch, with data or without. */
export function createSseDecoder(
  onBlock: (block: DecodedBlock) => void,
  onRetry: (retryMs: number) => void = () => undefined,
): SseDecoder {
  /** A line and its end; a CR at the end of what has come may still be half of a CRLF. */
  const line = /([^\r\n]*)(?:\r\n|\n|\r(?=[^\n]))/gy;
  const decoder = new TextDecoder();
  const parser = createParser({
    onRetry,
    onEvent: ({ id, event, data }) => {
      bareId = undefined;
      onBlock({ id, event, data });
    },
  });
  let rest = "";
  let bareId: string | undefined;

  function feedLine(text: string): void {
    const id = /^id(?:: ?|$)(.*)$/.exec(text)?.[1];
    // [SSE interpretation] an id that contains NUL is ignored.
    if (id?.includes("\0") === false) bareId = id;
    parser.feed(`${text}\n`);
    if (text !== "") return;
    if (bareId !== undefined) onBlock({ id: bareId });
    bareId = undefined;
  }

  return {
    feed(bytes) {
      rest += decoder.decode(bytes, { stream: true });
      let used = 0;
      line.lastIndex = 0;
      for (let match = line.exec(rest); match !== null; match = line.exec(rest)) {
        used = line.lastIndex;
        feedLine(match[1] ?? "");
      }
      rest = rest.slice(used);
    },
  };
}
