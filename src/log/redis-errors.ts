import { StreamError } from "../protocol/error.ts";
import { LinkLostError } from "./redis-link.ts";

/** What became of a command that failed.
 *  - `refused`: it took no effect, and may be sent again; `by` says why.
 *  - `lost`: it may have taken effect.
 *  - `failed`: it took no effect, and the same again would fail, too. */
export type Failure =
  | { status: "refused"; by: "moved" | "not-a-master" | "no-script" | "busy" }
  | { status: "lost" }
  | { status: "failed"; error: Error };

/** Redis 6.2 says within a script's error what a command in it was refused for. */
const REFUSALS: readonly [pattern: RegExp, by: Extract<Failure, { status: "refused" }>["by"]][] = [
  [/(^|[\s-])(MOVED|ASK|CLUSTERDOWN|TRYAGAIN|CROSSSLOT)\s/, "moved"],
  [/(^|[\s-])(READONLY|MASTERDOWN)\s/, "not-a-master"],
  [/(^|[\s-])NOSCRIPT\s/, "no-script"],
  [/(^|[\s-])(LOADING|BUSY|NOREPLICAS|MISCONF|UNBLOCKED)\s/, "busy"],
];

/** Says what became of a command from how it failed. */
export function explainFailure(error: unknown): Failure {
  if (error instanceof LinkLostError) return { status: "lost" };
  const message = error instanceof Error ? error.message : String(error);
  const refusal = REFUSALS.find(([pattern]) => pattern.test(message));
  if (refusal !== undefined) return { status: "refused", by: refusal[1] };
  if (/(^|[\s-])OOM\s/.test(message)) return { status: "failed", error: full(error) };
  return { status: "failed", error: error instanceof Error ? error : new Error(message) };
}

/** Redis was away for too long. */
export function unavailable(isUnknown: boolean): StreamError {
  return new StreamError(
    "log-unavailable",
    isUnknown
      ? "Redis did not answer, so it is not known whether this was taken. Send it again with the same key."
      : "Redis cannot be reached or takes nothing now. Nothing was taken; send it again in a moment.",
  );
}

function full(cause: unknown): StreamError {
  return new StreamError(
    "log-full",
    "Redis is out of memory. Nothing was taken; readers go on. Give it more with maxmemory, or delete streams.",
    { cause },
  );
}
