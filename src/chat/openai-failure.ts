import { StreamError } from "../protocol/error.ts";
import type { ErrorCode } from "../protocol/error.ts";

/** The part of `fetch` that a provider needs, so that a faster one can be handed in. */
export type FetchLike = (url: string, init: FetchInit) => Promise<FetchResponse>;

export interface FetchInit {
  method: "GET" | "POST";
  headers: Record<string, string>;
  body?: string;
  /** Redirects are never followed: they would carry the key to another origin. */
  redirect: "manual";
  signal: AbortSignal;
}

export interface FetchResponse {
  readonly ok: boolean;
  readonly status: number;
  readonly headers: { get(name: string): string | null };
  readonly body: { getReader(): BodyReader } | null;
}

export interface BodyReader {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
  cancel(reason?: unknown): Promise<void>;
}

/** A server that speaks OpenAI's format, and how to reach it. */
export interface Endpoint {
  readonly name: string;
  /** The base URL without its query, for messages. */
  readonly address: string;
  readonly apiKey: string | undefined;
  readonly isOpenAI: boolean;
  readonly fetch: FetchLike;
  readonly url: (path: string) => string;
}

const MAX_DETAIL_LENGTH = 300;
const MAX_ERROR_BYTES = 65_536;
const ERROR_BODY_TIMEOUT_MS = 5_000;

/** What a response that is not 2xx means, with the provider's own words where it gave any. */
export async function statusFailure(endpoint: Endpoint, response: FetchResponse): Promise<StreamError> {
  const { status } = response;
  // A redirect that is not followed has status 0 in browsers.
  if (status === 0 || (status >= 300 && status < 400)) {
    await discard(response);
    const message = `${endpoint.name} answered with a redirect, which is not followed since it would carry the key elsewhere. Set the base URL to where the server really is (now: ${endpoint.address}).`;
    return new StreamError("provider-refused", message);
  }
  const detail = errorText(endpoint, await readText(response, MAX_ERROR_BYTES).catch(() => ""));
  const said = `(HTTP ${status})${detail === "" ? "." : `: ${endSentence(detail)}`}`;
  const { code, what, next } = failureMeaning(status, response.headers.get("retry-after"));
  return new StreamError(code, `${endpoint.name} ${what} ${said} ${next}`);
}

/** Ollama, vLLM, llama.cpp, OpenRouter, Groq and OpenAI, in this order, each in its own words:
 *  "does not support tools", "tool choice requires --enable-auto-tool-choice", "tools param requires --jinja flag", "No endpoints found
 *  that support tool use", "`tool calling` is not supported with this model", "Unsupported parameter: 'tools'". */
const NO_TOOLS =
  /(?:not |un)support(?:ed)?\b.{0,40}\btools?\b|\btools?\b.{0,40}\b(?:not |un)supported|support tool use|\btool choice requires|\btools param requires/i;

/** Whether a refusal says that the model, or the way it is run, knows no tools. */
export function refusesTools(status: number, { message }: StreamError): boolean {
  return [400, 404, 422, 500, 501].includes(status) && NO_TOOLS.test(message);
}

/** What a request that got no whole answer means. */
export function networkFailure(endpoint: Endpoint, cause: unknown): StreamError {
  const message = `${endpoint.name} cannot be reached at ${endpoint.address} (${causeText(endpoint, cause)}). Check that it is running and that the address is right, then try again.`;
  return new StreamError("provider-failed", message, { cause });
}

/** A failure in the middle of an answer. `what` continues a sentence that begins with the provider's name. */
export function answerFailure(endpoint: Endpoint, what: string, cause?: unknown): StreamError {
  const message = `${endpoint.name} ${endSentence(what)} What was written until then is kept; ask again to get a whole answer.`;
  return new StreamError("provider-failed", message, cause === undefined ? undefined : { cause });
}

/** The words of an error as servers write it, at most 300 characters and without the key; empty if there are none.
 *  Shape: `{error: {message}}`, `{error: "…"}`, `{message}` or `{detail}`. */
export function errorDetail(endpoint: Endpoint, body: unknown): string {
  const { error, message, detail } = asRecord(body) ?? {};
  const words = [asRecord(error)?.["message"], error, message, detail].find((it) => typeof it === "string");
  return typeof words === "string" ? shorten(endpoint, words) : "";
}

/** Reads a body as text. What exceeds `maxBytes`, or takes longer than 5 s, is left out and its connection is closed. */
export async function readText(response: FetchResponse, maxBytes: number): Promise<string> {
  const reader = response.body?.getReader();
  if (reader === undefined) return "";
  const decoder = new TextDecoder();
  let text = "";
  let size = 0;
  const cancel = () => void reader.cancel().catch(() => {}); // what is cancelled has nothing left to fail
  const timer = setTimeout(cancel, ERROR_BODY_TIMEOUT_MS);
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (value !== undefined) {
        size += value.byteLength;
        text += decoder.decode(value, { stream: true });
      }
      if (done) return text;
      if (size >= maxBytes) {
        cancel();
        return text;
      }
    }
  } finally {
    clearTimeout(timer);
  }
}

/** A value as an object, if it is one. */
export function asRecord(value: unknown): Record<string, unknown> | undefined {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : undefined; // any object is one
}

/** What a status other than 2xx of a model's server means; `what` and `next` are for people. */
export function failureMeaning(
  status: number,
  retryAfter: string | null,
): { code: ErrorCode; what: string; next: string } {
  if (status === 429 || status === 503 || status === 529) {
    const when = retryAfter !== null && /^\d{1,6}$/.test(retryAfter) ? `in ${retryAfter} s` : "in a moment";
    return { code: "provider-busy", what: "is busy", next: `Try again ${when}, or choose another model.` };
  }
  if (status >= 500 || status === 408 || status === 425 || status < 400) {
    return {
      code: "provider-failed",
      what: "failed",
      next: "Try again; if it goes on, see that server's log.",
    };
  }
  const what = "refused the request";
  if (status === 401 || status === 403) {
    return { code: "provider-refused", what, next: "Check the API key, and that it may use this model." };
  }
  if (status === 404) {
    return { code: "provider-refused", what, next: "Check the name of the model and the base URL." };
  }
  return { code: "provider-refused", what, next: "Change the request, or choose another model." };
}

function errorText(endpoint: Endpoint, text: string): string {
  try {
    return errorDetail(endpoint, JSON.parse(text));
  } catch {
    // A page of HTML tells a person nothing; a line of plain text may.
    return /^\s*</.test(text) ? "" : shorten(endpoint, text);
  }
}

function causeText(endpoint: Endpoint, cause: unknown): string {
  const inner = asRecord(asRecord(cause)?.["cause"]);
  const code = inner?.["code"] ?? asRecord(cause)?.["code"];
  if (typeof code === "string") return code;
  return shorten(endpoint, cause instanceof Error ? cause.message : "network failure");
}

function shorten(endpoint: Endpoint, words: string): string {
  // The key goes before the cut, which could leave a part of it.
  const hidden = endpoint.apiKey === undefined ? words : words.replaceAll(endpoint.apiKey, "[key]");
  const line = hidden.slice(0, 4_000).replace(/\s+/g, " ").trim();
  return line.length <= MAX_DETAIL_LENGTH ? line : `${line.slice(0, MAX_DETAIL_LENGTH - 1)}…`;
}

function endSentence(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

async function discard(response: FetchResponse): Promise<void> {
  await response.body
    ?.getReader()
    .cancel()
    .catch(() => {}); // nobody waits for it
}
