import { StreamError } from "./error.ts";

/** One place in one stream for ever: the last event that a reader has. Offset 0 is before the first event. */
export interface Cursor {
  epoch: string;
  offset: number;
}

/** A link of a stream's chain of epochs: from `from` on, offsets belong to `epoch`. */
export interface EpochLink {
  epoch: string;
  from: number;
}

/** What is needed to tell where a cursor stands. */
export interface StreamRange {
  /** Oldest first; offsets go on through the chain. */
  epochs: readonly EpochLink[];
  /** The first offset that a cursor can still be followed from: `cursor.offset >= floor - 1`. */
  floor: number;
  /** The last committed offset; 0 when nothing was appended. */
  head: number;
}

export type ResetReason = "unknown-epoch" | "beyond-head" | "trimmed";

/** Where reading goes on: after `after`, or from `from` with the reader told why. */
export type Resumption =
  | { status: "honoured"; after: number }
  | { status: "reset"; reason: ResetReason; from: number };

/** A set of cursors has at most so many characters: 32 of the longest have 895. */
const MAX_SET_LENGTH = 1_024;
const CURSOR = /^([0-9a-z]{8,10})\.(0|[1-9][0-9]{0,15})$/;

/** Writes a cursor as it stands on the wire, such as `k3j9x0q2.17`. */
export function formatCursor(cursor: Cursor): string {
  return `${cursor.epoch}.${cursor.offset}`;
}

/** Reads a cursor from the wire; undefined if it is not one.
 *  Shape: `<epoch>.<offset>`, 8 to 10 characters of base36, then a decimal without leading zeros. */
export function parseCursor(text: string): Cursor | undefined {
  const match = CURSOR.exec(text);
  const offset = Number(match?.[2]);
  return match?.[1] !== undefined && Number.isSafeInteger(offset) ? { epoch: match[1], offset } : undefined;
}

/** Reads a cursor from the wire. Errors: `invalid-cursor` 400. */
export function requireCursor(text: string): Cursor {
  const cursor = parseCursor(text);
  if (cursor !== undefined) return cursor;
  throw new StreamError(
    "invalid-cursor",
    `${JSON.stringify(text.slice(0, 40))} is not a cursor. Send back an id as it was received, "start" or "now".`,
  );
}

/** Joins the cursors of several streams to a set, as it stands on the wire. A stream that does not exist has none. */
export function joinCursors(cursors: readonly (string | undefined)[]): string {
  return cursors.filter((cursor) => cursor !== undefined).join("~");
}

/** Splits a set of cursors; each is still to be parsed. A set that is too long is none: it comes back as one piece. */
export function splitCursors(set: string): string[] {
  return set.length > MAX_SET_LENGTH ? [set] : set.split("~");
}

/** The cursor of an offset in a chain of epochs. An offset just before an epoch's first event belongs to the former epoch. */
export function cursorAt(epochs: readonly EpochLink[], offset: number): Cursor {
  let link = epochs[0];
  for (const next of epochs) if (next.from <= offset) link = next;
  if (link === undefined) throw new Error("a stream has at least one epoch");
  return { epoch: link.epoch, offset };
}

/** Decides where a reader with this cursor goes on. A cursor that cannot be honoured is never passed over in silence.
 *  Source: PROTOCOL.md "Cursors". */
export function resolveCursor(range: StreamRange, cursor: Cursor): Resumption {
  const index = range.epochs.findIndex((link) => link.epoch === cursor.epoch);
  if (index === -1) return { status: "reset", reason: "unknown-epoch", from: range.floor };
  const next = range.epochs[index + 1];
  if (cursor.offset > range.head || (next !== undefined && cursor.offset >= next.from)) {
    return { status: "reset", reason: "beyond-head", from: range.floor };
  }
  if (cursor.offset < range.floor - 1) return { status: "reset", reason: "trimmed", from: range.floor };
  return { status: "honoured", after: cursor.offset };
}
