import type { EpochLink } from "../protocol/cursor.ts";
import type { StreamKind } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { KeyRecord, OpenWriter, Retention } from "./log.ts";

/** Where an in-process log keeps what it was told: ordered records and a few small tables. It decides nothing.
 *
 *  Reads are synchronous and see what is committed. One process uses a store. */
export interface Store {
  stream(name: StreamName): StoredStream | undefined;
  /** The names of all streams after one, in order; at most so many. */
  names(after: string, limit: number): StreamName[];
  /** The same of keys. */
  keys(after: string, limit: number): [id: string, record: KeyRecord][];
  /** Records of a stream from the one that holds `offset` on, oldest first. */
  records(number: number, offset: number): Iterable<LogRecord>;
  /** Records of a stream, newest first. */
  recordsBackward(number: number): Iterable<LogRecord>;
  writer(number: number, id: string): StoredWriter | undefined;
  /** Those of one stream, by its number, or all. */
  openWriters(number?: number): OpenWriter[];
  key(id: string): KeyRecord | undefined;
  /** What was to expire until `now`: to be looked at again, since it may have been put off. */
  expired(now: number, limit: number): Expiry[];
  /** A number that no stream of this store has had. */
  nextNumber(): number;
  /** Rises with each unclean end of the machine, after which what was committed may be gone. */
  readonly generation: number;
  /** Whether the last process to use it ended without `close`. */
  readonly wasInterrupted: boolean;
  /** Applies writes as a whole; calls take effect in their order, and may be answered in any.
   *  Law:    a rejected call took no effect; a later one that was under way may have taken effect all the same.
   *  Errors: StreamError `log-full`, `log-unavailable`. */
  commit(writes: readonly Write[]): Promise<void>;
  close(): Promise<void>;
}

/** What is kept of a stream beside its records. */
export interface StoredStream {
  number: number;
  kind: StreamKind;
  epochs: EpochLink[];
  /** The store's generation in which its last epoch began. */
  generation: number;
  floor: number;
  /** Known where records do not tell it: a stream whose records are all trimmed. */
  head: number;
  isClosed: boolean;
  /** Unix milliseconds. */
  deleteAt?: number;
  retention: Retention;
}

/** Some neighbouring entries of a stream, kept under the offset of the first. */
export type LogRecord = { first: number; at: number } & (
  | {
      type: "batch";
      events: readonly string[];
      /** Characters of JSON text in the stream up to here, trimmed ones included. */
      total: number;
    }
  | { type: "segment"; lengths: readonly number[]; data: string }
  | { type: "keyed"; key: string; isDeleted: boolean; data: string }
);

export interface StoredWriter {
  epoch: number;
  seq: number;
  /** First and last offset of its last steps, newest last. */
  recent: [first: number, last: number][];
  isEnded: boolean;
}

export interface Expiry {
  at: number;
  of: "key" | "stream";
  id: string;
}

export type Write =
  | { op: "put-stream"; name: StreamName; stream: StoredStream }
  | { op: "remove-stream"; name: StreamName; number: number }
  /** The stream that has it goes on under another, which it has by now. */
  | { op: "remove-name"; name: StreamName }
  /** `isNew`: nothing stands at its first offset or behind it, in no state of the store. */
  | { op: "put-record"; number: number; record: LogRecord; isNew?: boolean }
  | { op: "remove-record"; number: number; first: number }
  | { op: "put-writer"; name: StreamName; number: number; id: string; writer: StoredWriter }
  | { op: "put-key"; id: string; record: KeyRecord }
  | { op: "remove-key"; id: string }
  | { op: "put-expiry"; expiry: Expiry }
  | { op: "remove-expiry"; expiry: Expiry };

/** The offset of the last event in a record. */
export function recordLast(record: LogRecord): number {
  switch (record.type) {
    case "batch":
      return record.first + record.events.length - 1;
    case "segment":
      return record.first + record.lengths.length - 1;
    case "keyed":
      return record.first;
  }
}
