import type { Log } from "../log/log.ts";
import type { StreamName } from "../protocol/names.ts";

/** Resolves when a stream is closed, gone or lost in part, or when `signal` aborts.
 *  Errors: those of the log. */
export function waitForEnd(log: Log, stream: StreamName, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unwatch = log.watch(stream, (commit) => {
      if (commit.type !== "appended" || commit.info.isClosed) finish();
    });
    const finish = () => {
      unwatch();
      signal.removeEventListener("abort", finish);
      resolve();
    };
    signal.addEventListener("abort", finish);
    if (signal.aborted) finish();
    // It may have ended before it was watched.
    log.info(stream).then(
      (info) => {
        if (info === undefined || info.isClosed) finish();
      },
      (error: Error) => {
        reject(error);
        finish();
      },
    );
  });
}
