import { EventSource } from "eventsource";

/** Reads with `EventSource` as a browser has it, until `isEnd` says so. Rejects when it is closed for good, as after a status
 *  other than 200: then nothing reconnects any more.
 *  @param {{url: string, signal: AbortSignal, onMessage: (data: string, close: () => void) => void, open?: () => void, ends?: string[]}} options
 *         `ends`: named events that close it. */
export function listen({ url, signal, onMessage, open, ends = [] }) {
  return new Promise((resolve, reject) => {
    const source = new EventSource(url);
    const close = () => {
      source.close();
      resolve();
    };
    source.addEventListener("message", ({ data }) => onMessage(data, close));
    if (open !== undefined) source.addEventListener("open", open);
    for (const name of ends) source.addEventListener(name, close);
    source.addEventListener("error", () => {
      if (source.readyState === EventSource.CLOSED) reject(new Error("closed for good"));
    });
    signal.addEventListener("abort", close);
  });
}
