import type { ErrorCode } from "../protocol/error.ts";
import { backOff, refusalText } from "./connection.ts";
import { StreamError } from "./error.ts";
import { randomId } from "./id.ts";
import { headersOf, readRefusal } from "./response.ts";
import type { HeadersOption } from "./response.ts";

export interface ApiOptions {
  /** Where the server is, such as `https://example.org/chat`; empty: the origin of the page. */
  url: string;
  headers?: HeadersOption | undefined;
  fetch?: typeof fetch | undefined;
  random?: (() => number) | undefined;
}

export interface SendOptions {
  /** Names the request, so that a repetition has no second effect. Default for POST: a random one. */
  key?: string;
  signal?: AbortSignal;
  /** How long it is repeated, in milliseconds. Default 60,000; 0: it is sent once. */
  patienceMs?: number;
}

export interface Api {
  /** Sends a request and resolves with its JSON (undefined if the answer has no body). It is repeated, with the same key,
   *  while the network or the server fails for a moment, for about a minute.
   *  Errors: `StreamError` with the server's code and words (`internal` where it says none); the signal's reason. */
  send(method: string, path: string, body?: unknown, options?: SendOptions): Promise<unknown>;
}

const PATIENCE_MS = 60_000;

/** Makes what asks a server, with headers of one's own. */
export function createApi({ url, headers, random = Math.random, ...options }: ApiOptions): Api {
  return {
    async send(method, path, body, { key, signal, patienceMs = PATIENCE_MS } = {}) {
      const idempotencyKey = key ?? (method === "POST" ? randomId() : undefined);
      let waited = 0;
      for (let attempt = 0; ; attempt++) {
        signal?.throwIfAborted();
        const outcome = await sendOnce();
        if (outcome.status === "done") return outcome.value;
        const delay = Math.max(backOff(attempt, random), outcome.retryAfterMs);
        waited += delay;
        if (!outcome.error.isRetryable || waited >= patienceMs) throw outcome.error;
        await pause(delay, signal);
      }

      async function sendOnce(): Promise<Outcome> {
        try {
          const response = await (options.fetch ?? fetch)(`${url}${path}`, {
            method,
            headers: {
              ...headersOf(headers),
              accept: "application/json",
              ...(body !== undefined && { "content-type": "application/json" }),
              ...(idempotencyKey !== undefined && { "idempotency-key": idempotencyKey }),
            },
            ...(body !== undefined && { body: JSON.stringify(body) }),
            ...(signal && { signal }),
          });
          if (!response.ok) return await refusal(response);
          const text = await response.text();
          return { status: "done", value: text === "" ? undefined : JSON.parse(text) };
        } catch (cause) {
          // Without our signal an AbortError is the browser's: a failure of the network like another.
          signal?.throwIfAborted();
          const message =
            "The server could not be reached. Nothing is lost: send it again with the same key.";
          const error = new StreamError("internal", message, true, { cause });
          return { status: "failed", error, retryAfterMs: 0 };
        }
      }
    },
  };
}

type Outcome =
  | { status: "done"; value: unknown }
  | { status: "failed"; error: StreamError; retryAfterMs: number };

async function refusal(response: Response): Promise<Outcome> {
  const { status, code, message, retryAfterMs, run, ...said } = await readRefusal(response);
  // A code that is not in this client's table is one of a newer server: it is handed on as it stands.
  const known = (code ?? (status === 401 ? "unauthorized" : "internal")) as ErrorCode;
  const isRetryable = said.isRetryable ?? [429, 502, 503, 504].includes(status);
  const error = new StreamError(
    known,
    message ?? refusalText(status),
    isRetryable,
    run === undefined ? {} : { run },
  );
  return { status: "failed", error, retryAfterMs };
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, ms);
    signal?.addEventListener("abort", aborted);
    function done(): void {
      signal?.removeEventListener("abort", aborted);
      resolve();
    }
    function aborted(): void {
      clearTimeout(timer);
      // The reason of a signal is what its owner chose; fetch rejects with it too.
      reject(signal?.reason as Error);
    }
  });
}
