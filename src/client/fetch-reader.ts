import { createParser } from "eventsource-parser";
import { headersOf, readRefusal } from "./response.ts";
import type { HeadersOption } from "./response.ts";
import type { TransportHandlers } from "./transport.ts";

export interface FetchTransportOptions {
  headers?: HeadersOption | undefined;
  fetch?: typeof fetch | undefined;
}

/** An event has at most 256 KiB, a merged one 64 KiB of text; JSON escapes may multiply that by six. */
const MAX_BUFFER = 4 * 1_048_576;

/** Reads an event stream until it ends or `signal` aborts. Errors: those of fetch. */
export async function readEvents(
  url: string,
  options: FetchTransportOptions,
  signal: AbortSignal,
  handlers: TransportHandlers,
): Promise<void> {
  const send = options.fetch ?? fetch;
  const response = await send(url, {
    headers: { ...headersOf(options.headers), accept: "text/event-stream" },
    cache: "no-store",
    signal,
  });
  if (signal.aborted) return;
  const { status, body } = response;
  if (status === 204) return handlers.onEnded(true);
  const isEvents = response.headers.get("content-type")?.startsWith("text/event-stream") === true;
  if (status !== 200 || !isEvents || body === null) {
    const failure = await readRefusal(response);
    if (!signal.aborted) handlers.onFailed(failure);
    return;
  }
  handlers.onOpen();
  await readBody(body, signal, handlers);
  if (!signal.aborted) handlers.onEnded(false);
}

async function readBody(
  body: ReadableStream<Uint8Array>,
  signal: AbortSignal,
  handlers: TransportHandlers,
): Promise<void> {
  const decoder = new TextDecoder();
  const parser = createParser({
    maxBufferSize: MAX_BUFFER,
    onEvent: (block) => {
      if (!signal.aborted) handlers.onBlock(block);
    },
    onRetry: (retryMs) => handlers.onRetry(retryMs),
  });
  const reader = body.getReader();
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
    if (signal.aborted) return;
    parser.feed(decoder.decode(chunk.value, { stream: true }));
  }
}
