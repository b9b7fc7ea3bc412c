import { request as requestHttp } from "node:http";
import type { ClientRequest, IncomingMessage } from "node:http";
import { request as requestHttps } from "node:https";
import type { BodyReader, FetchInit, FetchResponse } from "./chat/openai-failure.ts";

/** Asks a model's server through Node's own client: `fetch` reads each piece through a web stream, which costs more than all that
 *  is done with it. Redirects are not followed, and nothing is compressed, so that each token comes when it is written.
 *  Errors: Node's, such as `ECONNREFUSED`; the signal's reason. */
export async function nodeFetch(url: string, init: FetchInit): Promise<FetchResponse> {
  try {
    return toResponse(await send(url, init));
  } catch (error) {
    // A connection that was kept for the next request may have been closed by the server in the meantime.
    if (!(error instanceof StaleConnection)) throw error;
    return toResponse(await send(url, init));
  }
}

class StaleConnection extends Error {}

function send(url: string, { method, headers, body, signal }: FetchInit): Promise<IncomingMessage> {
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const request: ClientRequest = (url.startsWith("https:") ? requestHttps : requestHttp)(url, {
      method,
      headers: body === undefined ? headers : { ...headers, "content-length": Buffer.byteLength(body) },
    });
    let message: IncomingMessage | undefined;
    // Not the client's own option: that would break a connection which is kept for the next request.
    const onAbort = () => (message ?? request).destroy(signal.reason as Error); // what its owner aborted it with
    signal.addEventListener("abort", onAbort, { once: true });
    request.once("close", () => signal.removeEventListener("abort", onAbort));
    request.once("response", (response) => {
      message = response;
      resolve(response);
    });
    request.on("error", (error: NodeJS.ErrnoException) => {
      const isStale = request.reusedSocket && error.code === "ECONNRESET" && !signal.aborted;
      reject(isStale ? new StaleConnection("closed while it was kept", { cause: error }) : error);
    });
    request.end(body);
  });
}

function toResponse(message: IncomingMessage): FetchResponse {
  const status = message.statusCode ?? 0;
  // At once: a failure that nobody listens to would end the process.
  const reader = new MessageReader(message);
  return {
    ok: status >= 200 && status < 300,
    status,
    headers: {
      get: (name) => {
        const value = message.headers[name.toLowerCase()];
        return Array.isArray(value) ? value.join(", ") : (value ?? null);
      },
    },
    body: { getReader: () => reader },
  };
}

/** Reads a body piece by piece; what is not read yet stays in the socket. */
class MessageReader implements BodyReader {
  readonly #message: IncomingMessage;
  #wake: (() => void) | undefined;
  #isEnded = false;
  #error: Error | undefined;

  constructor(message: IncomingMessage) {
    this.#message = message;
    message.on("readable", () => this.#wake?.());
    message.on("end", () => {
      this.#isEnded = true;
      this.#wake?.();
    });
    message.on("error", (error) => {
      this.#error = error;
      this.#wake?.();
    });
    // Destroyed by us: neither an end nor an error follows.
    message.on("close", () => {
      this.#isEnded = true;
      this.#wake?.();
    });
  }

  async read(): Promise<{ done: boolean; value?: Uint8Array }> {
    for (;;) {
      const value = this.#message.read() as Buffer | null; // no encoding was set
      if (value !== null) return { done: false, value };
      if (this.#error !== undefined) throw this.#error;
      if (this.#isEnded) return { done: true };
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      this.#wake = undefined;
    }
  }

  cancel(): Promise<void> {
    this.#message.destroy();
    return Promise.resolve();
  }
}
