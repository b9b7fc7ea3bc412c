/** Every refusal on the wire: its HTTP status, and whether the same request may succeed later.
 *  Source: PROTOCOL.md "Errors". */
export const ERRORS = {
  "invalid-json": { status: 400, retryable: false },
  "invalid-request": { status: 400, retryable: false },
  "invalid-event": { status: 400, retryable: false },
  "invalid-name": { status: 400, retryable: false },
  "invalid-cursor": { status: 400, retryable: false },
  "invalid-key": { status: 400, retryable: false },
  "unknown-model": { status: 400, retryable: false },
  unauthorized: { status: 401, retryable: false },
  forbidden: { status: 403, retryable: false },
  "reserved-name": { status: 403, retryable: false },
  "start-refused": { status: 403, retryable: false },
  "origin-refused": { status: 403, retryable: false },
  "stream-unknown": { status: 404, retryable: false },
  "reader-unknown": { status: 404, retryable: false },
  "run-unknown": { status: 404, retryable: false },
  "call-unknown": { status: 404, retryable: false },
  "chat-unknown": { status: 404, retryable: false },
  "message-unknown": { status: 404, retryable: false },
  "route-unknown": { status: 404, retryable: false },
  "method-refused": { status: 405, retryable: false },
  "stream-closed": { status: 409, retryable: false },
  "stream-exists": { status: 409, retryable: false },
  "kind-conflict": { status: 409, retryable: false },
  fenced: { status: 409, retryable: false },
  "run-active": { status: 409, retryable: false },
  "chat-full": { status: 409, retryable: false },
  "call-answered": { status: 409, retryable: false },
  "run-ended": { status: 409, retryable: false },
  "sequence-gap": { status: 409, retryable: false },
  "chat-deleted": { status: 410, retryable: false },
  "stream-reset": { status: 410, retryable: false },
  "body-too-large": { status: 413, retryable: false },
  "event-too-large": { status: 413, retryable: false },
  "prompt-too-large": { status: 413, retryable: false },
  "tool-unknown": { status: 404, retryable: false },
  "tool-input-invalid": { status: 400, retryable: false },
  "output-too-large": { status: 413, retryable: false },
  "tool-failed": { status: 502, retryable: true },
  "tool-timeout": { status: 504, retryable: true },
  "content-type-refused": { status: 415, retryable: false },
  "host-refused": { status: 421, retryable: false },
  "key-reused": { status: 422, retryable: false },
  "too-many-keys": { status: 409, retryable: false },
  "too-many-runs": { status: 429, retryable: true },
  "too-many-people": { status: 429, retryable: true },
  "too-many-signals": { status: 429, retryable: true },
  "tokens-spent": { status: 429, retryable: true },
  internal: { status: 500, retryable: true },
  "provider-refused": { status: 502, retryable: false },
  "provider-failed": { status: 502, retryable: true },
  "provider-busy": { status: 503, retryable: true },
  "auth-unavailable": { status: 503, retryable: true },
  "log-unavailable": { status: 503, retryable: true },
  overloaded: { status: 503, retryable: true },
  draining: { status: 503, retryable: true },
  "provider-timeout": { status: 504, retryable: true },
  "log-full": { status: 507, retryable: true },
} as const satisfies Record<string, { status: number; retryable: boolean }>;

export type ErrorCode = keyof typeof ERRORS;

/** A failure of the caller or of the world. Its text says what happened, what is safe and what to do next. */
export class StreamError extends Error {
  readonly code: ErrorCode;
  /** With `run-active`: the run that is open. */
  readonly run: string | undefined;
  /** When it may succeed, in milliseconds from now, where that is known. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    options?: ErrorOptions & { run?: string; retryAfterMs?: number },
  ) {
    super(message, options);
    this.name = "StreamError";
    this.code = code;
    this.run = options?.run;
    this.retryAfterMs = options?.retryAfterMs;
  }

  /** HTTP status of the code. */
  get status(): (typeof ERRORS)[ErrorCode]["status"] {
    return ERRORS[this.code].status;
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  /** The body that says it on the wire. */
  toJSON(): ErrorBody {
    const body: ErrorBody = { code: this.code, message: this.message, retryable: this.isRetryable };
    if (this.run !== undefined) body.run = this.run;
    return body;
  }
}

/** An error as it stands on the wire: the member `error` of a body, or of a `message-end`. */
export interface ErrorBody {
  code: ErrorCode;
  message: string;
  retryable: boolean;
  /** With `run-active`: the run that is open. */
  run?: string;
}
