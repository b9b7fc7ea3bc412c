/** One block of an event stream. */
export interface SseBlock {
  /** Becomes the reader's last event id; `""` resets it. */
  id?: string;
  /** Name of the event; without one the browser calls `onmessage`. */
  event?: string;
  data?: string;
  /** Milliseconds until the browser reconnects. */
  retry?: number;
  comment?: string;
}

// [SSE parsing] a line ends at CRLF, LF or a lone CR.
const LINE_END = /\r\n|\n|\r/;
// oxlint-disable-next-line no-control-regex -- [SSE interpretation] an id that contains NUL is ignored, so it is refused here
const UNSAFE_FIELD = /[\r\n\0]/;

/** Encodes one block, such as `id: k3j9x0q2.1\ndata: {}\n\n`.
 *  Shape:  a `data` is split at every CR, LF and CRLF, which the reader gets back as LF.
 *  Errors: a plain Error where `id` or `event` holds CR, LF or NUL, or `retry` is no whole number: a bug of ours.
 *  Source: WHATWG HTML "Server-sent events". */
export function encodeSse(block: SseBlock): string {
  let text = "";
  if (block.comment !== undefined) {
    for (const line of block.comment.split(LINE_END)) text += `: ${line}\n`;
  }
  if (block.retry !== undefined) {
    // [SSE interpretation] anything but ASCII digits is ignored.
    if (!Number.isSafeInteger(block.retry) || block.retry < 0)
      throw new Error(`retry is no whole number: ${block.retry}`);
    text += `retry: ${block.retry}\n`;
  }
  if (block.id !== undefined) text += `id: ${safeField("id", block.id)}\n`;
  if (block.event !== undefined) text += `event: ${safeField("event", block.event)}\n`;
  if (block.data !== undefined) {
    for (const line of block.data.split(LINE_END)) text += `data: ${line}\n`;
  }
  return `${text}\n`;
}

function safeField(name: string, value: string): string {
  if (UNSAFE_FIELD.test(value)) throw new Error(`the SSE field ${name} holds CR, LF or NUL`);
  return value;
}
