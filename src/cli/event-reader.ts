import { EventSourceParserStream } from "eventsource-parser/stream";

/** One event as it came: `event` undefined where it is unnamed, `id` where the block brought one. */
export interface ReadEvent {
  id?: string | undefined;
  event?: string | undefined;
  data: string;
}

export interface EventReaderOptions {
  url: string;
  /** Called with each event; true ends the reading. */
  onEvent: (event: ReadEvent) => boolean;
  /** Called before each wait for a new connection. */
  onCut?: () => void;
  signal?: AbortSignal;
  /** Beside its own. */
  headers?: Record<string, string>;
  fetch?: typeof fetch;
  sleep?: (ms: number) => Promise<void>;
  random?: () => number;
  /** How often in a row it may fail to get a single byte. Default 20. */
  maxFailures?: number;
}

/** How the reading ended: by an event, by 204 (nothing more comes), by a refusal, or since nobody answers. */
export type ReadingEnd =
  | { status: "done" | "nothing-more" | "aborted" | "unreachable" }
  | { status: "refused"; code: number };

const MIN_WAIT_MS = 250;
const MAX_WAIT_MS = 10_000;
/** An event has at most 256 KiB; JSON escapes may multiply that by six. A line without an end is cut. */
const MAX_BUFFER = 4 * 1_048_576;
/** The server sends something every 15 s: silence for so long is a connection that died unseen. */
const SILENCE_MS = 40_000;

/** Reads an event stream through any cut: keeps the last id, comes back with full jitter, and owns the loop, so that a 502 never
 *  ends it. */
export async function readEvents(options: EventReaderOptions): Promise<ReadingEnd> {
  const { url, onEvent, onCut, signal, random = Math.random, maxFailures = 20 } = options;
  const send = options.fetch ?? fetch;
  const sleep = options.sleep ?? ((ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms)));
  let lastId: string | undefined;
  for (let failures = 0; failures < maxFailures; failures++) {
    const silence = new AbortController();
    try {
      const headers = {
        ...options.headers,
        accept: "text/event-stream",
        ...(lastId !== undefined && { "last-event-id": lastId }),
      };
      const abort = AbortSignal.any([silence.signal, ...(signal ? [signal] : [])]);
      const response = await send(url, { headers, signal: abort });
      if (response.status === 204) return { status: "nothing-more" };
      if (response.status >= 400 && response.status < 500)
        return { status: "refused", code: response.status };
      for await (const event of response.ok ? parse(response, silence) : []) {
        failures = 0;
        if (event.id !== undefined) lastId = event.id;
        if (onEvent(event)) return { status: "done" };
      }
    } catch {
      // Cut, refused or silent: all the same, since the cursor says where to go on.
    } finally {
      silence.abort();
    }
    if (signal?.aborted === true) return { status: "aborted" };
    onCut?.();
    await sleep(random() * Math.min(MAX_WAIT_MS, MIN_WAIT_MS * 2 ** failures));
  }
  return { status: "unreachable" };
}

async function* parse(response: Response, silence: AbortController): AsyncGenerator<ReadEvent> {
  const watch = setTimeout(() => silence.abort(), SILENCE_MS);
  try {
    const events = response.body
      ?.pipeThrough(new TextDecoderStream())
      .pipeThrough(new EventSourceParserStream({ maxBufferSize: MAX_BUFFER }));
    for await (const event of events ?? []) {
      watch.refresh();
      yield event;
    }
  } finally {
    clearTimeout(watch);
  }
}
