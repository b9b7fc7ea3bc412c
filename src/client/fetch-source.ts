import type { FetchTransportOptions } from "./fetch-reader.ts";
import type { Transport } from "./transport.ts";

/** Reads through fetch: with headers of one's own, in Node too, and with the status in sight. What it reads with is loaded when it is
 *  first opened: a page that hears by its own EventSource never needs it.
 *  Errors: whatever we did not close ourselves is a failure of the transport, under every name it has: `TypeError: Load
 *  failed`, an AbortError of the browser's own, a body that just ends. */
export function createFetchTransport(options: FetchTransportOptions = {}): Transport {
  return {
    open(url, handlers) {
      const abort = new AbortController();
      const read = async () => {
        const { readEvents } = await import("./fetch-reader.ts");
        if (!abort.signal.aborted) await readEvents(url, options, abort.signal, handlers);
      };
      read().catch((error: unknown) => {
        if (!abort.signal.aborted) handlers.onFailed({ message: String(error) });
      });
      return () => abort.abort();
    },
  };
}
