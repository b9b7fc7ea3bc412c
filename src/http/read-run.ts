import type { Log } from "../log/log.ts";
import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import type { Entry } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import { foldRun } from "../protocol/run.ts";
import type { RunState } from "../protocol/run.ts";

/** What a run's stream holds now, and the cursor of its last event. Undefined if there is no such stream. */
export async function readRun(
  log: Log,
  stream: StreamName,
): Promise<{ state: RunState; cursor: string } | undefined> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await log.read(stream, entries.at(-1)?.offset ?? 0, { maxLength: 1_048_576 });
    if (page.status !== "page") return undefined;
    entries.push(...page.entries);
    const last = entries.at(-1)?.offset ?? 0;
    if (page.entries.length > 0 && last < page.info.head) continue;
    return { state: foldRun(entries), cursor: formatCursor(cursorAt(page.info.epochs, last)) };
  }
}

/** Resolves when a stream is closed or gone, or when `signal` aborts.
 *  Errors: those of the log. */
export function waitForEnd(log: Log, stream: StreamName, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const unwatch = log.watch(stream, (commit) => {
      if (commit.type === "deleted" || commit.info.isClosed) finish();
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
