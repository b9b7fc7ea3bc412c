import { open } from "lmdb";
import { StreamError } from "../protocol/error.ts";
import { Journal, readJournal, removeJournal } from "./lmdb-journal.ts";
import { TAG, tagged } from "./lmdb-keys.ts";
import { Layer } from "./lmdb-layer.ts";
import type { Change, Changed } from "./lmdb-layer.ts";

/** Ordered keys with values, each a byte a character and bytes. */
export interface Table {
  get(key: string): Buffer | undefined;
  /** What stands from `start` to before `end`, rising; or, backward, falling. To be read in one go. */
  between(start: string, end: string, isBackward?: boolean): Iterable<readonly [key: string, value: Buffer]>;
  /** Makes changes as a whole. They survive the end of the process at once, and a loss of power 250 ms later.
   *  Errors: StreamError `log-full`: nothing was changed. */
  write(changes: readonly Change[]): void;
  /** Whether so much waits for LMDB that writers should wait for `checkpoint`. */
  readonly isFull: boolean;
  /** Gives LMDB what waits for it; resolves when it has taken that, or has refused it. */
  checkpoint(): Promise<void>;
  close(): Promise<void>;
}

export interface TableOptions {
  /** How long changes may wait for LMDB, in milliseconds. Default 5,000. */
  checkpointMs?: number;
}

/** LMDB gets what waits for it when it is this much, if not before. */
const CHECKPOINT_BYTES = 8 * 1_048_576;
/** What may wait while LMDB is under way. */
const MAX_BYTES = 4 * CHECKPOINT_BYTES;
/** LMDB's calls are made for so long, then others go on. */
const TURN_MS = 1;

/** Opens a table in a folder. Changes go to a journal first, and are held in memory until LMDB has them: a commit of LMDB costs
 *  a hundred times what a write to the journal does, and about the same however much is in it. */
export async function openTable(
  directory: string,
  { checkpointMs = 5_000 }: TableOptions = {},
): Promise<Table> {
  const db = open<Buffer, Buffer>({
    path: `${directory}/log`,
    encoding: "binary",
    keyEncoding: "binary",
    // Each commit is a batch of its own; the binding would add a promise per turn of the loop that nobody can catch.
    eventTurnBatching: false,
    // The room of addresses that is set aside, not of the disk; it grows in steps when it is used up.
    mapSize: 2 ** 36,
    maxReaders: 16,
  });
  const journal = new Journal(directory, (await replay()) + 1);
  /** What is committed since the last checkpoint began. */
  let active = new Layer();
  /** What LMDB is being given. */
  let frozen: { layer: Layer; last: number } | undefined;
  let checkpoint: Promise<void> | undefined;
  let hasFailed = false;
  let timer: ReturnType<typeof setTimeout> | undefined;

  /** Gives LMDB what a process left in the journal. Returns the number of the last batch that it has. */
  async function replay(): Promise<number> {
    const former = Number(db.get(buffer(APPLIED))?.toString() ?? 0);
    const layer = new Layer();
    let last = former;
    for (const { number, changes } of readJournal(directory)) {
      // A gap: the disk lost what LMDB never got, and what follows it is worth nothing.
      if (number > last + 1) break;
      if (number <= former) continue;
      for (const change of changes) layer.apply(change);
      last = number;
    }
    if (last > former) await apply(layer, last);
    removeJournal(directory);
    return last;
  }

  /** Writes a layer to LMDB, in commits that each take little time. Half of it is as good as none: it is written again. */
  async function apply(layer: Layer, last: number): Promise<void> {
    const changes = layer.between("", END);
    for (;;) {
      let isMore = false;
      await commitAll(() => {
        isMore = putSome(changes);
        if (!isMore) quiet(db.put(buffer(APPLIED), Buffer.from(String(last))));
      });
      if (!isMore) break;
    }
    await db.flushed;
  }

  async function commitAll(put: () => void): Promise<void> {
    try {
      await db.batch(put);
    } catch (error) {
      throw commitError(error);
    }
  }

  /** Returns whether there are more. */
  function putSome(changes: Generator<Changed, void>): boolean {
    const until = performance.now() + TURN_MS;
    for (let count = 1; ; count++) {
      const next = changes.next();
      if (next.done === true) return false;
      const [key, value] = next.value;
      quiet(value === null ? db.remove(buffer(key)) : db.put(buffer(key), value));
      if (count % 64 === 0 && performance.now() > until) return true;
    }
  }

  function startCheckpoint(): Promise<void> {
    clearTimeout(timer);
    timer = undefined;
    checkpoint ??= runCheckpoint().finally(() => {
      checkpoint = undefined;
      // What came in the meantime, or what LMDB refused.
      if (journal.size > 0 || frozen !== undefined) schedule();
    });
    return checkpoint;
  }

  async function runCheckpoint(): Promise<void> {
    try {
      if (frozen === undefined) {
        // First the file: should it fail, nothing has changed.
        journal.rotate();
        frozen = { layer: active, last: journal.last };
        active = new Layer();
      }
      // LMDB must not know more than the journal does: after a loss of power the journal's changes are made again, from the first.
      await journal.flush();
      await apply(frozen.layer, frozen.last);
      journal.drop(frozen.last);
      frozen = undefined;
      hasFailed = false;
    } catch {
      // The disk is full or refuses. What was acknowledged is in the journal and in memory; it is tried again.
      hasFailed = true;
    }
  }

  /** What is not in LMDB yet, newest first. */
  function layers(): Layer[] {
    return frozen === undefined ? [active] : [active, frozen.layer];
  }

  function changedValue(key: string): Buffer | null | undefined {
    const value = active.get(key);
    return value === undefined ? frozen?.layer.get(key) : value;
  }

  function schedule(): void {
    timer ??= setTimeout(() => void startCheckpoint(), checkpointMs).unref();
  }

  return {
    get(key) {
      const changed = changedValue(key);
      return changed === undefined ? db.get(buffer(key)) : (changed ?? undefined);
    },
    between(start, end, isBackward = false) {
      const range = isBackward ? { start: end, end: start } : { start, end };
      const kept = db.getRange({
        start: buffer(range.start),
        end: buffer(range.end),
        reverse: isBackward,
      });
      const sources = layers()
        .filter((layer) => layer.touches(start, end))
        .map((layer) => layer.between(start, end, isBackward));
      return merge([...sources, keptBetween(kept, end)], isBackward);
    },
    write(changes) {
      if (hasFailed && journal.size > MAX_BYTES) throw fullError(undefined);
      try {
        journal.append(changes);
      } catch (error) {
        throw fullError(error);
      }
      for (const change of changes) active.apply(change);
      if (journal.size >= CHECKPOINT_BYTES && !hasFailed) void startCheckpoint();
      else schedule();
    },
    get isFull() {
      return journal.size > MAX_BYTES && checkpoint !== undefined;
    },
    checkpoint: startCheckpoint,
    async close() {
      await checkpoint;
      if (frozen !== undefined) await startCheckpoint();
      if (frozen === undefined && journal.size > 0) await startCheckpoint();
      clearTimeout(timer);
      journal.close(frozen !== undefined || journal.size > 0);
      await db.close();
    },
  };
}

const APPLIED = tagged(TAG.applied);
const END = "\xff";

/** Of sources in the same order, of which an earlier one is newer: each key once, with its newest value, if it has one. */
function* merge(
  sources: readonly Generator<Changed, void>[],
  isBackward: boolean,
): Generator<readonly [key: string, value: Buffer], void> {
  const heads = sources.map((source) => source.next());
  try {
    for (;;) {
      let first: Changed | undefined;
      for (const { value } of heads) {
        const isFirst =
          value && (first === undefined || (isBackward ? value[0] > first[0] : value[0] < first[0]));
        if (isFirst) first = value;
      }
      if (first === undefined) return;
      const [key, value] = first;
      for (const [index, head] of heads.entries()) {
        if (head.value?.[0] === key) heads[index] = sources[index]?.next() ?? head;
      }
      if (value !== null) yield [key, value];
    }
  } finally {
    // A range that is left open holds one of LMDB's few places for readers.
    for (const source of sources) source.return();
  }
}

/** LMDB begins a backward range with its end, where that is a key. */
function* keptBetween(
  range: Iterable<{ key: Buffer; value: Buffer }>,
  end: string,
): Generator<Changed, void> {
  for (const { key, value } of range) {
    const text = key.toString("latin1");
    if (text < end) yield [text, value];
  }
}

function buffer(key: string): Buffer {
  return Buffer.from(key, "latin1");
}

/** A write of a batch answers for itself, too, though the batch's answer says all. */
function quiet(write: Promise<unknown>): void {
  write.catch(() => undefined);
}

/** LMDB's binding says the reason in a promise of its own, and `Input/output error` where the disk is full. */
function commitError(error: unknown): StreamError {
  const reason: unknown = error instanceof Error && "commitError" in error ? error.commitError : undefined;
  if (reason instanceof Promise) reason.catch(() => undefined);
  return fullError(error);
}

function fullError(cause: unknown): StreamError {
  return new StreamError(
    "log-full",
    "The log could not be written: the disk is full or refuses. Nothing of this append was kept, and what was acknowledged before is safe. Free some space, then send it again.",
    { cause },
  );
}
