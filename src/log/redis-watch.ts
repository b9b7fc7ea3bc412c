import { cursorAt, resolveCursor } from "../protocol/cursor.ts";
import type { Cursor } from "../protocol/cursor.ts";
import type { Entry } from "../protocol/event.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Commit, ReadLimit, ReadOutcome, StreamInfo } from "./log.ts";

/** Streams that are watched in this process: what it appends itself is told from its answer, what others append is read when
 *  their partition wakes. Both come in one order, since answers come in the order of the calls. */
export interface Watchers {
  watch(stream: StreamName, onCommit: (commit: Commit) => void): () => void;
  has(stream: StreamName): boolean;
  readonly names: IterableIterator<StreamName>;
  /** An append of this process was answered. */
  onAppended(stream: StreamName, change: OwnCommit): void;
  /** A deletion of this process was answered. */
  onDeleted(stream: StreamName, commit: number): void;
  /** A stream changed, in this commit of its partition. */
  onWake(stream: StreamName, commit: number, isDeleted: boolean): void;
  /** Something may have been missed: looks whether anything changed. */
  recheck(stream: StreamName): void;
  close(): void;
}

export interface OwnCommit {
  commit: number;
  first: number;
  entries: readonly Entry[];
  info: StreamInfo;
}

/** Reads a stream event by event; also says which commit of its partition was the last. */
export type Look = (
  stream: StreamName,
  after: number,
  limit?: ReadLimit,
) => Promise<ReadOutcome & { commit: number }>;

interface Watched {
  listeners: Set<(commit: Commit) => void>;
  /** Whether it is known where the stream stands. */
  isKnown: boolean;
  /** The last that was told; undefined where the stream does not exist. */
  told: Cursor | undefined;
  wasClosed: boolean;
  /** The commit as of which that holds. */
  commit: number;
  /** Counts the changes of what is above. */
  version: number;
  isReading: boolean;
  isReadAgain: boolean;
}

const RETRY_MS = 250;
const PAGE: ReadLimit = { maxEntries: 1_000, maxLength: 1_048_576 };

export function createWatchers(look: Look): Watchers {
  const streams = new Map<StreamName, Watched>();
  let isClosed = false;

  function tell(watched: Watched, change: Commit): void {
    for (const listener of watched.listeners) listener(change);
  }

  function place(watched: Watched, commit: number, told: Cursor | undefined, isClosed = false): void {
    watched.isKnown = true;
    watched.told = told;
    watched.wasClosed = isClosed;
    watched.commit = commit;
    watched.version += 1;
  }

  function read(stream: StreamName, watched: Watched): void {
    if (watched.isReading) {
      watched.isReadAgain = true;
      return;
    }
    watched.isReading = true;
    void readOn(stream, watched).finally(() => {
      watched.isReading = false;
      if (!watched.isReadAgain || isClosed) return;
      watched.isReadAgain = false;
      read(stream, watched);
    });
  }

  /** Reads to the head and tells what is new. */
  async function readOn(stream: StreamName, watched: Watched): Promise<void> {
    for (let isMore = true; isMore && watched.listeners.size > 0;) {
      const { version, told, isKnown } = watched;
      try {
        const outcome = await look(stream, isKnown ? (told?.offset ?? 0) : -1, PAGE);
        isMore = take(watched, version, outcome);
      } catch (error) {
        if (!(error instanceof StreamError)) throw error;
        if (isClosed) return;
        // Redis is away: the place stands, and is read from again.
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS).unref());
      }
    }
  }

  /** Tells what was read. Returns whether there is more. */
  function take(watched: Watched, version: number, outcome: Awaited<ReturnType<Look>>): boolean {
    const { told, isKnown } = watched;
    const { commit } = outcome;
    if (watched.version !== version) {
      // What this process did meanwhile has been told: only what lies behind that is left.
      if (outcome.status !== "page" || told === undefined) return true;
      return outcome.info.head > told.offset || outcome.info.isClosed !== watched.wasClosed;
    }
    if (outcome.status === "missing") {
      place(watched, commit, undefined);
      // Nobody said that it was deleted: it was lost.
      if (told !== undefined) tell(watched, { type: "replaced" });
      return false;
    }
    const { info } = outcome;
    // Of a state, what changed since may be gone from before the floor as well as be kept there.
    const isTrimmedState = outcome.status === "trimmed" && info.kind === "state";
    const isLost = told !== undefined && (isRefused(info, told) || isTrimmedState);
    if (!isKnown || isLost) {
      place(watched, commit, cursorAt(info.epochs, info.head), info.isClosed);
      // Who watches may have read before this: what came in between is told by where the stream stands.
      tell(watched, isLost ? { type: "replaced" } : { type: "appended", entries: [], info });
      return false;
    }
    if (outcome.status === "trimmed") {
      place(watched, watched.commit, cursorAt(info.epochs, info.floor - 1));
      return true;
    }
    const last = outcome.entries.at(-1)?.offset ?? info.head;
    const isWhole = last >= info.head;
    const { entries } = outcome;
    const isNews = entries.length > 0 || told === undefined || info.isClosed !== watched.wasClosed;
    place(watched, isWhole ? commit : watched.commit, cursorAt(info.epochs, last), isWhole && info.isClosed);
    if (!isNews) return !isWhole;
    tell(watched, {
      type: "appended",
      entries,
      info: isWhole ? info : { ...info, head: last, isClosed: false },
    });
    return !isWhole;
  }

  function onDeleted(stream: StreamName, commit: number): void {
    const watched = streams.get(stream);
    if (watched === undefined || commit <= watched.commit) return;
    const wasThere = !watched.isKnown || watched.told !== undefined;
    place(watched, commit, undefined);
    if (wasThere) tell(watched, { type: "deleted" });
  }

  return {
    watch(stream, onCommit) {
      // Of its own: the same function may be given twice.
      const listener = (commit: Commit) => onCommit(commit);
      let watched = streams.get(stream);
      if (watched === undefined) {
        watched = {
          listeners: new Set(),
          isKnown: false,
          told: undefined,
          wasClosed: false,
          commit: 0,
          version: 0,
          isReading: false,
          isReadAgain: false,
        };
        streams.set(stream, watched);
        watched.listeners.add(listener);
        read(stream, watched);
      } else watched.listeners.add(listener);
      const { listeners } = watched;
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0 && streams.get(stream)?.listeners === listeners) streams.delete(stream);
      };
    },
    has: (stream) => streams.has(stream),
    get names() {
      return streams.keys();
    },
    onAppended(stream, { commit, first, entries, info }) {
      const watched = streams.get(stream);
      if (watched === undefined || commit <= watched.commit) return;
      const { told, isKnown } = watched;
      const isNext = !isKnown || first === (told?.offset ?? 0) + 1;
      if (!isNext || (told !== undefined && isRefused(info, told))) {
        // Others came in between.
        read(stream, watched);
        return;
      }
      place(watched, commit, cursorAt(info.epochs, info.head), info.isClosed);
      tell(watched, { type: "appended", entries, info });
    },
    onDeleted,
    onWake(stream, commit, isDeleted) {
      const watched = streams.get(stream);
      if (watched === undefined || commit <= watched.commit) return;
      if (isDeleted) onDeleted(stream, commit);
      else read(stream, watched);
    },
    recheck(stream) {
      const watched = streams.get(stream);
      if (watched === undefined) return;
      // Counted anew, should Redis have lost some.
      watched.commit = 0;
      read(stream, watched);
    },
    close() {
      isClosed = true;
    },
  };
}

/** Whether what was told may not be in the stream as it is now. */
function isRefused(info: StreamInfo, told: Cursor): boolean {
  const place = resolveCursor(info, told);
  return place.status === "reset" && place.reason !== "trimmed";
}
