import type { ErrorCode } from "../protocol/error.ts";

/** What a server refused, or that it cannot be reached. Its text says what happened, what is safe and what to do next.
 *  Source: PROTOCOL.md "Errors", whose table stands in the server and not in each page. */
export class StreamError extends Error {
  /** As the server said it, also one of a server that is newer; `internal` if it could not be reached, or said none. */
  readonly code: ErrorCode;
  /** Whether the same request may succeed later. */
  readonly isRetryable: boolean;
  /** With `run-active`: the run that is open. */
  readonly run: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    isRetryable: boolean,
    options?: ErrorOptions & { run?: string },
  ) {
    super(message, options);
    this.name = "StreamError";
    this.code = code;
    this.isRetryable = isRetryable;
    this.run = options?.run;
  }
}
