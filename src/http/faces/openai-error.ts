import type { Context } from "hono";
import type { StreamError } from "../../protocol/error.ts";
import { ParameterError } from "./openai-request.ts";

/** A refusal as OpenAI's clients read it; `retryable` is ours. */
export interface OpenAIError {
  message: string;
  type: string;
  param: string | null;
  code: string;
  retryable: boolean;
}

/** Whether a path is one of OpenAI's: what is refused there is said in its shape. */
export function isOpenAIPath(path: string): boolean {
  return path === "/v1/models" || path.startsWith("/v1/models/") || isCompletionPath(path);
}

/** Whether a path starts runs as OpenAI's does. */
export function isCompletionPath(path: string): boolean {
  return path === "/v1/chat/completions";
}

const MAX_WAIT_MS = 60_000;

/** Answers with an error in OpenAI's shape, and says whether the client may ask again by itself.
 *  Source: PROTOCOL.md "OpenAI-compatible". */
export function refuseOpenAI(context: Context, error: StreamError, mayRetry = error.isRetryable): Response {
  const { retryAfterMs = 2_000 } = error;
  if (mayRetry) context.header("Retry-After", String(Math.ceil(retryAfterMs / 1_000)));
  // Its clients ask twice more after 409 and each 5xx, unless this says no; and they do not wait for hours.
  context.header("X-Should-Retry", String(mayRetry && retryAfterMs <= MAX_WAIT_MS));
  return context.json({ error: toOpenAIError(error) }, statusOf(error));
}

/** The member `error` of a body, or of a stream's data. */
export function toOpenAIError(error: StreamError): OpenAIError {
  const isUnknownModel = error.code === "unknown-model";
  return {
    message: error.message,
    type: typeOf(statusOf(error)),
    param: error instanceof ParameterError ? error.param : isUnknownModel ? "model" : null,
    // The one code that clients look for by name.
    code: isUnknownModel ? "model_not_found" : error.code,
    retryable: error.isRetryable,
  };
}

function statusOf(error: StreamError): StreamError["status"] {
  return error.code === "unknown-model" ? 404 : error.status;
}

function typeOf(status: number): string {
  if (status === 401) return "authentication_error";
  if (status === 403) return "permission_error";
  if (status === 429) return "rate_limit_error";
  return status >= 500 ? "server_error" : "invalid_request_error";
}
