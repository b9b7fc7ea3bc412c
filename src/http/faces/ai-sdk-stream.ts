import type { Log, StreamInfo } from "../../log/log.ts";
import { cursorAt, formatCursor, resolveCursor } from "../../protocol/cursor.ts";
import type { ChatEvent, Entry } from "../../protocol/event.ts";
import type { StreamName } from "../../protocol/names.ts";
import { UiParts } from "./ai-sdk-parts.ts";
import type { UiPart } from "./ai-sdk-parts.ts";

export interface AnswerStart {
  /** The answer that is said. */
  message: string;
  /** The run that writes it, or wrote its end. */
  run: string;
  /** An offset before its `message-start`. */
  from: number;
  /** What the reader has had: parts up to this offset are left out. Default: nothing. */
  after?: number;
}

/** One event of an answer, in the AI SDK's parts. */
export interface SaidEvent {
  /** Absent where the parts are not said by the log. */
  cursor?: string;
  /** None where only `lag` is to be known: there is nothing to come now. */
  parts: UiPart[];
  /** Events of the stream that come after it, as far as was known. */
  lag: number;
}

/** Reads an answer to its end, as far as it is written and then as it comes. What a reader has had is gone through too, without a word:
 *  what a part begins with depends on what came before it.
 *  End:    with the answer's; where the rest of it is no longer kept, or was lost, with an `error`.
 *  Errors: those of the log; the signal's reason. */
export async function* readAnswer(
  log: Log,
  stream: StreamName,
  { message, run, from, after = 0 }: AnswerStart,
  signal: AbortSignal,
): AsyncGenerator<SaidEvent, void, undefined> {
  const parts = new UiParts(message, run);
  let offset = from;
  let lag = 0;
  let known: StreamInfo | undefined;
  let wake: (() => void) | undefined;
  const unwatch = log.watch(stream, () => wake?.());
  const onAbort = () => wake?.();
  signal.addEventListener("abort", onAbort);
  try {
    while (!signal.aborted) {
      // Before the look: what comes in between is seen by one of the two.
      const woken = new Promise<void>((resolve) => (wake = resolve));
      const page = await log.read(stream, offset);
      // It may be another stream of this name by now, or have lost what was read.
      if (page.status !== "page" || !goesOn(known, page.info, offset)) {
        yield { parts: [{ type: "error", errorText: "The rest of this answer is no longer kept." }], lag: 0 };
        return;
      }
      known = page.info;
      for (const entry of page.entries) {
        if (offset < after && entry.offset > after) {
          // Merged across what the reader has: what it lacks of it is read again, alone.
          parts.take(eventOf(entry));
          offset = after;
          break;
        }
        offset = entry.offset;
        const said = parts.take(eventOf(entry));
        if (offset > after && said.length > 0) {
          lag = Math.max(0, page.info.head - offset);
          yield { cursor: cursorText(page.info, offset), parts: said, lag };
        }
        if (parts.isEnded) return;
      }
      if (page.entries.length > 0) continue;
      // What came last has no part: who waits for more has all that there is.
      if (lag > 0) yield { cursor: cursorText(page.info, offset), parts: [], lag: (lag = 0) };
      await woken;
    }
  } finally {
    unwatch();
    signal.removeEventListener("abort", onAbort);
  }
}

function goesOn(before: StreamInfo | undefined, now: StreamInfo, offset: number): boolean {
  return before === undefined || resolveCursor(now, cursorAt(before.epochs, offset)).status === "honoured";
}

function cursorText({ epochs }: StreamInfo, offset: number): string {
  return formatCursor(cursorAt(epochs, offset));
}

function eventOf({ data }: Entry): ChatEvent {
  return JSON.parse(data) as ChatEvent; // only the server writes chats
}
