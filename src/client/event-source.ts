import type { Failure } from "./connection-state.ts";
import { readRefusal } from "./response.ts";
import type { Transport } from "./transport.ts";

/** The part of the browser's EventSource that is used. */
export interface EventSourceLike {
  addEventListener(type: string, listener: (event: MessageEvent<string>) => void): void;
  close(): void;
}

export interface EventSourceTransportOptions {
  /** Default: the browser's own. */
  EventSource?: new (url: string) => EventSourceLike;
  fetch?: typeof fetch | undefined;
}

/** The named events of a connection; an EventSource hands over only what it was asked for. */
const NAMED = [
  "stream-start",
  "stream-caught-up",
  "stream-reset",
  "stream-end",
  "ping",
  "signal",
  "presence",
  "auth-expired",
];

/** Reads through the browser's own EventSource, one for each attempt: with its first error it is closed.
 *  Errors: EventSource hides the status, so after an attempt that never opened fetch asks for it, once. */
export function createEventSourceTransport(options: EventSourceTransportOptions = {}): Transport {
  return {
    open(url, handlers) {
      const EventSource = options.EventSource ?? globalThis.EventSource;
      const source = new EventSource(url);
      const closing = new AbortController();
      const { signal } = closing;
      let hasOpened = false;

      source.addEventListener("open", () => {
        if (signal.aborted) return;
        hasOpened = true;
        handlers.onOpen();
      });
      for (const name of ["message", ...NAMED]) {
        source.addEventListener(name, ({ data, lastEventId }) => {
          if (signal.aborted) return;
          handlers.onBlock({ event: name === "message" ? undefined : name, id: lastEventId, data });
        });
      }
      source.addEventListener("error", () => {
        if (signal.aborted) return;
        source.close();
        // It is asked by name and not awaited: askStatus never rejects.
        if (hasOpened) handlers.onFailed({});
        else void askStatus(url, options.fetch ?? fetch, signal).then(report);
      });

      function report(failure: Failure): void {
        if (signal.aborted) return;
        if (failure.status === 204) handlers.onEnded(true);
        else handlers.onFailed(failure);
      }

      return () => {
        closing.abort();
        source.close();
      };
    },
  };
}

/** By GET, since HEAD starts nothing and so cannot say 204. */
async function askStatus(url: string, send: typeof fetch, closing: AbortSignal): Promise<Failure> {
  const abort = new AbortController();
  const stop = () => abort.abort();
  closing.addEventListener("abort", stop);
  try {
    const response = await send(url, { headers: { accept: "text/event-stream" }, signal: abort.signal });
    // What is no refusal now is an event stream, of which nothing is read.
    return response.ok ? { status: response.status } : await readRefusal(response);
  } catch {
    // Nobody answers: a failure like another, after which it is tried again.
    return {};
  } finally {
    stop();
  }
}
