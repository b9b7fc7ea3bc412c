import type { Log } from "../log/log.ts";
import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import type { Entry, MessageStart } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import { foldRun } from "../protocol/run.ts";
import type { RunState } from "../protocol/run.ts";

export interface ReadRun {
  state: RunState;
  /** The cursor of its last event. */
  cursor: string;
  start: MessageStart | undefined;
  entries: readonly Entry[];
}

/** What a run's stream holds now. Undefined if there is no such stream. */
export async function readRun(log: Log, stream: StreamName): Promise<ReadRun | undefined> {
  const entries: Entry[] = [];
  for (;;) {
    const page = await log.read(stream, entries.at(-1)?.offset ?? 0, { maxLength: 1_048_576 });
    if (page.status !== "page") return undefined;
    entries.push(...page.entries);
    const last = entries.at(-1)?.offset ?? 0;
    if (page.entries.length > 0 && last < page.info.head) continue;
    const first = entries[0]?.data;
    return {
      state: foldRun(entries),
      entries,
      cursor: formatCursor(cursorAt(page.info.epochs, last)),
      start: first === undefined ? undefined : (JSON.parse(first) as MessageStart), // only the runner writes runs
    };
  }
}
