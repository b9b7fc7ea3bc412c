import type { StreamName } from "../protocol/names.ts";
import { compactRecords } from "./record-entries.ts";
import type { ScriptCall } from "./redis-lane.ts";
import { readDescription, readRecords, writeRecord } from "./redis-reply.ts";
import { ignoreUnavailable } from "./unavailable.ts";

/** Rewrites the single deltas of chats as segments, so that coming back costs what the text costs. The node that appended what made
 *  it due does it; where two do, the second changes nothing. */
export interface Compactor {
  /** A chat stands at this head, and its deltas stand alone from `loose` on. */
  noteAppend(stream: StreamName, head: number, loose: number, isOver: boolean): void;
  /** Waits for what is under way. */
  close(): Promise<void>;
}

export type RunOnStream = (stream: StreamName, call: Omit<ScriptCall, "keys" | "stream">) => Promise<unknown>;

const COMPACT_EVERY = 1_000;
const MAX_LENGTH = 1_048_576;

export function createCompactor(run: RunOnStream): Compactor {
  const due = new Set<StreamName>();
  let working: Promise<void> | undefined;
  let isClosed = false;

  /** One stream after another: many runs end at once, and what others write goes first. */
  async function work(): Promise<void> {
    for (const stream of due) {
      due.delete(stream);
      if (isClosed) return;
      // It changes no event: should it fail, the next append finds the same deltas again.
      await compact(stream).catch(ignoreUnavailable);
    }
  }

  async function compact(stream: StreamName): Promise<void> {
    for (;;) {
      const info = (await look(stream, -1)) as unknown[];
      if (info[0] === "missing") return;
      const { loose } = readDescription(info);
      const page = (await look(stream, loose - 1)) as unknown[];
      if (page[0] !== "page") return;
      const { epochsText, ...described } = readDescription(page);
      if (described.loose !== loose) continue;
      const records = readRecords(page).filter(({ first }) => first >= loose);
      const { writes, next } = compactRecords({ records: () => records }, 0, loose, described.info.head);
      if (next <= loose) return;
      const placed = writes.flatMap((write) =>
        write.op === "put-record" ? [writeRecord(write.record)] : [],
      );
      const args = [Date.now(), epochsText, loose, next, ...placed];
      await run(stream, { script: "compact", args, isSafe: true });
      if (described.info.head - next < COMPACT_EVERY) return;
    }
  }

  function look(stream: StreamName, after: number): Promise<unknown> {
    const args = [0, stream, after, COMPACT_EVERY, MAX_LENGTH];
    return run(stream, { script: "look", args, isSafe: true });
  }

  return {
    noteAppend(stream, head, loose, isOver) {
      if (isClosed || (!isOver && head - loose + 1 < COMPACT_EVERY)) return;
      due.add(stream);
      working ??= work().finally(() => (working = undefined));
    },
    async close() {
      isClosed = true;
      await working;
    },
  };
}
