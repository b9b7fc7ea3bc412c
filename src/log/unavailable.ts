import { StreamError } from "../protocol/error.ts";

/** For a failure of the log that may be passed over here: whoever needs what failed asks again, or is told elsewhere. */
export function ignoreUnavailable(error: unknown): void {
  if (!(error instanceof StreamError)) throw error;
}
