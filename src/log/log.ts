import type { EpochLink } from "../protocol/cursor.ts";
import type { Entry, StreamKind } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";

/** What was said, durably: append-only streams with names.
 *
 *  The contract, which `test/log/conformance.ts` tests against every implementation:
 *  - *Committed* is what `append` promises: the events survive SIGKILL of this process. They are flushed to the disk soon
 *    after; what survives power loss is said by the implementation.
 *  - Appends to one stream take effect in the order of the calls, each as a whole. A batch is contiguous. They may be
 *    pipelined: the next call need not wait for the former's answer.
 *  - An append that rejects with `log-unavailable` may or may not have taken effect. Whoever must know sends it again with
 *    the same writer step or the same key, and gets the first answer.
 *  - `read`, `info` and `watch` see only what is committed; what `watch` says can be read.
 *  - Expected outcomes are values. Thrown as StreamError: `log-full` 507, `log-unavailable` 503, `event-too-large` 413,
 *    and in `state` streams `invalid-event` 400 (no key) and `too-many-keys` 409. */
export interface Log {
  /** Creates a stream; the same again changes nothing. */
  create(stream: StreamName, options: CreateOptions): Promise<CreateOutcome>;
  /** Appends events; resolves when they are committed. A stream that does not exist is made if `options.create` is given. */
  append(stream: StreamName, events: readonly NewEvent[], options?: AppendOptions): Promise<AppendOutcome>;
  /** Reads what follows `after`, oldest first. A chat's deltas come merged. */
  read(stream: StreamName, after: number, limit?: ReadLimit): Promise<ReadOutcome>;
  /** What is known of a stream; undefined if it does not exist. */
  info(stream: StreamName): Promise<StreamInfo | undefined>;
  /** Calls back after each commit, in order, until the returned function is called. Needs no existing stream. */
  watch(stream: StreamName, onCommit: (commit: Commit) => void): () => void;
  /** Deletes a stream and what it holds. False if there was none. */
  delete(stream: StreamName): Promise<boolean>;
  /** The record of a key that was claimed by an append, while it is valid. */
  key(id: string): Promise<KeyRecord | undefined>;
  /** Sets until when a key is valid, in Unix milliseconds. */
  expireKey(id: string, expiresAt: number): Promise<void>;
  /** Writers that have begun and not ended: after a start, what a dead process left open. */
  openWriters(): Promise<OpenWriter[]>;
  /** Only of a log that several processes share: open writers whose process is gone, to be asked for again and again. */
  deadWriters?(): Promise<OpenWriter[]>;
  /** Only of a log that can be saved and put back. */
  backup?: LogBackup;
  /** Waits for what is under way, then releases what was opened. */
  close(): Promise<void>;
}

/** What a backup needs beside the rest, while the log is in use. */
export interface LogBackup {
  /** The names of its streams, in no order. What is made meanwhile may be missing. */
  streams(): AsyncIterable<StreamName>;
  /** Reads what follows `after`, event by event: a chat's deltas come as they were appended. */
  readSingles(stream: StreamName, after: number): Promise<ReadOutcome>;
  /** Puts a stream back as it was, under the same offsets; a new epoch opens behind its head, with its ends. Nobody sees it before it is whole, and where it
   *  was cut there is what was there before. False if there is one of this name and it is not to be replaced: it stays. */
  restore(stream: StreamName, saved: SavedStream, options?: { replaces?: boolean }): Promise<boolean>;
  /** The keys that were claimed. */
  keys(): AsyncIterable<[id: string, record: KeyRecord]>;
  /** Claims a key as it was claimed before. False if it is claimed, or was valid until now. */
  restoreKey(id: string, record: KeyRecord): Promise<boolean>;
}

/** A stream as it was saved. */
export interface SavedStream {
  kind: StreamKind;
  retention: Retention;
  epochs: readonly EpochLink[];
  floor: number;
  head: number;
  isClosed: boolean;
  /** Rising, from the floor on; in `log` and `chat` without a hole up to the head. */
  entries: readonly SavedEntry[];
  /** What stands behind the head, in the new epoch, as soon as anybody sees the stream, and whether that closes it. */
  ends: { events: readonly NewEvent[]; close: boolean };
}

export interface SavedEntry {
  offset: number;
  at: number;
  data: string;
  /** In `state`. */
  key?: string;
  isDeleted?: boolean;
}

export interface CreateOptions {
  kind: StreamKind;
  retention?: Retention;
}

/** Bounds of what a stream keeps, whichever is reached first. An absent one takes the kind's default. */
export interface Retention {
  /** Default 10,000 for `log`; for `state` the bound on its keys, beyond which a new key is refused. */
  maxEvents?: number;
  /** Counted in characters of JSON text. Default 67,108,864 for `log`. */
  maxBytes?: number;
  /** Default 30 days for `log`. */
  maxAgeMs?: number;
  /** How long a closed stream is kept. Default: for ever. */
  closedTtlMs?: number;
}

export type CreateOutcome =
  | { status: "created" | "exists"; info: StreamInfo }
  | { status: "kind-conflict"; info: StreamInfo };

export interface NewEvent {
  /** The event as JSON text without line breaks, at most 256 KiB. */
  data: string;
  /** In a `state` stream: what it replaces. */
  key?: string;
  /** In a `state` stream: removes the key and stays as a tombstone. */
  isDeleted?: boolean;
}

export interface AppendOptions {
  /** Makes the stream if it does not exist, in the same commit. */
  create?: CreateOptions;
  /** Closes the stream with this append. */
  close?: boolean;
  /** One step of a writer. Steps count from 0 in each epoch, and each step is one append. */
  writer?: WriterStep;
  /** Lets a new writer begin only where no other writer of this stream is open. */
  isSole?: boolean;
  /** Ends this writer with this append: the first end wins, and what it still had under way is refused. May be a writer that
   *  has not begun: it will be refused. */
  endsWriter?: string;
  /** Claims a key in the same commit. */
  key?: KeyClaim;
}

export interface WriterStep {
  id: string;
  epoch: number;
  seq: number;
}

export interface KeyClaim {
  /** Scope and key together, at most 512 bytes. */
  id: string;
  /** Tells one body from another. */
  digest: string;
  /** What the claimant wants to find again; JSON text. */
  note?: string;
  /** Unix milliseconds; absent: until `expireKey` says. */
  expiresAt?: number;
}

export interface KeyRecord {
  digest: string;
  stream: StreamName;
  /** The cursor of the last event of the append that claimed it. */
  cursor: string;
  note?: string;
  expiresAt?: number;
}

export type AppendOutcome =
  | {
      /** `repeated`: this writer step was taken before, and this is its first answer. */
      status: "appended" | "repeated";
      first: number;
      last: number;
      cursor: string;
    }
  /** The key was claimed before, with the same body. */
  | { status: "replayed"; record: KeyRecord }
  /** The key was claimed before, with another body. */
  | { status: "key-reused" }
  | { status: "missing" }
  | { status: "closed"; cursor: string }
  /** A later epoch of this writer has written. */
  | { status: "fenced"; epoch: number }
  /** This writer has ended. */
  | { status: "ended" }
  /** Another writer is open, and this one was to be the only one. */
  | { status: "occupied"; writer: string }
  /** A step was left out, or is too old for its answer to be known. */
  | { status: "sequence-gap"; expected: number };

export interface ReadLimit {
  /** Default 1,000. */
  maxEntries?: number;
  /** Characters of JSON text; one entry comes in any case. Default 49,152. */
  maxLength?: number;
}

export type ReadOutcome =
  | { status: "page"; entries: Entry[]; info: StreamInfo }
  /** `after` lies below what is kept. */
  | { status: "trimmed"; info: StreamInfo }
  | { status: "missing" };

export interface StreamInfo {
  kind: StreamKind;
  epochs: readonly EpochLink[];
  /** The first offset that is kept; where everything was removed, the next one. In `state`: a cursor below it may have missed
   *  a deletion whose tombstone is gone; reading after 0 gives the whole state in any case. */
  floor: number;
  /** The last committed offset; 0 when nothing was appended. */
  head: number;
  isClosed: boolean;
  retention: Retention;
}

/** What one commit did to a stream. Entries are single events, never merged. */
export type Commit =
  | { type: "appended"; entries: readonly Entry[]; info: StreamInfo }
  | { type: "deleted" }
  /** What was told may not be in the stream any more: whoever reads has to look with its cursor. */
  | { type: "replaced" };

export interface OpenWriter {
  stream: StreamName;
  id: string;
  epoch: number;
}
