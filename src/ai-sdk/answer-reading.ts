import { createParser } from "eventsource-parser";
import { isForTheMoment, refusalOf, Refusal } from "./refusal.ts";

/** Where an answer comes from. */
export interface AnswerSource {
  /** The response with which it begins, where there is one already. */
  first?: Response;
  /** Asks for it from its beginning. */
  start(): Promise<Response>;
  /** Asks for the rest of it. */
  resume(place: { message: string | undefined; cursor: string | undefined }): Promise<Response>;
}

export interface ReadingOptions {
  signal: AbortSignal;
  delayMs: (attempt: number) => number;
}

/** Attempts in a row that bring nothing, after which an answer is given up: about four minutes. */
const MAX_ATTEMPTS = 50;

/** Asks for an answer until it begins. Errors: `Refusal`; the signal's reason; the network's, once it has failed for long. */
export async function begin(
  { start }: Pick<AnswerSource, "start">,
  { signal, delayMs }: ReadingOptions,
): Promise<Response> {
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    const response = await start().catch((error: unknown) => {
      if (signal.aborted) throw error;
      return undefined; // the network's: it is tried again
    });
    if (response?.ok === true) return response;
    if (response !== undefined && !(await isForTheMoment(response))) throw await refusalOf(response);
    await pause(delayMs(attempt), signal);
  }
  throw unreachable();
}

/** Reads an answer to its end, whatever happens to the network: each part once, in order, with the cursor up to it.
 *  Errors: as `begin`. */
export async function readAnswer(
  source: AnswerSource,
  { signal, delayMs }: ReadingOptions,
  onParts: (parts: unknown[], cursor: string | undefined) => void,
): Promise<void> {
  let cursor: string | undefined;
  let message: string | undefined;
  let response = source.first;
  for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
    try {
      const hasBegun = message !== undefined || cursor !== undefined;
      response ??= await (hasBegun ? source.resume({ message, cursor }) : source.start());
      if (response.status === 204) return;
      if (response.ok) {
        message ??= response.headers.get("x-millrace-message") ?? undefined;
        const isWhole = await readParts(response, (parts, id) => {
          cursor = id ?? cursor;
          onParts(parts, cursor);
          attempt = 0;
        });
        if (isWhole) return;
      } else if (!(await isForTheMoment(response))) throw await refusalOf(response);
    } catch (error) {
      if (signal.aborted || error instanceof Refusal) throw error;
      // The network's: it is tried again.
    }
    response = undefined;
    await pause(delayMs(attempt), signal);
  }
  throw unreachable();
}

/** Reads a body to its `[DONE]`. The parts of one event are handed on together, with its cursor: it stands on the last of them, and who is
 *  cut off before that gets all of them again. Returns whether the end was read. */
async function readParts(
  { body }: Response,
  onParts: (parts: unknown[], cursor: string | undefined) => void,
): Promise<boolean> {
  let parts: unknown[] = [];
  let isWhole = false;
  const parser = createParser({
    onEvent({ data, id }) {
      if (data === "[DONE]") isWhole = true;
      else parts.push(JSON.parse(data));
      if (id === undefined && !isWhole) return;
      onParts(parts, id);
      parts = [];
    },
  });
  const decoder = new TextDecoder();
  const reader = body?.getReader();
  for (let chunk = await reader?.read(); chunk?.done === false; chunk = await reader?.read()) {
    parser.feed(decoder.decode(chunk.value, { stream: true }));
    if (isWhole) return true;
  }
  return isWhole;
}

export function backOff(attempt: number): number {
  return Math.min(5_000, 250 * 2 ** Math.min(attempt, 5)) * (0.5 + Math.random() / 2);
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, ms));
  signal.throwIfAborted();
}

function unreachable(): Error {
  return new Error("The server could not be reached. The answer is kept there: reload to read it.");
}
