import { parseCursor } from "../protocol/cursor.ts";
import type { StreamKind } from "../protocol/event.ts";

/** Where one reader of a stream stands: the last cursor that it has. Undefined before it knows any. */
export interface Position {
  kind: StreamKind;
  cursor: string | undefined;
}

/** Judges what came: `next` is to be applied, `known` was had before, before a `hole` something is missing, and an
 *  `overlap` holds merged deltas of which some are had already. Pure.
 *  Source: PROTOCOL.md "Cursors". */
export function take(position: Position, came: { cursor: string; span: number }): Verdict {
  const own = offsetOf(position.cursor);
  const offset = offsetOf(came.cursor);
  if (own === undefined || offset === undefined) return "next";
  if (offset <= own) return "known";
  const before = offset - came.span;
  if (position.kind === "state" || before === own) return "next";
  return before > own ? "hole" : "overlap";
}

export type Verdict = "next" | "known" | "hole" | "overlap";

/** How many appended events an event stands for. Only in a chat does the member `span` belong to the protocol. */
export function spanOf(kind: StreamKind, event: Record<string, unknown>): number {
  const span = event["span"];
  return kind === "chat" && typeof span === "number" ? span : 1;
}

/** The offset of a cursor; undefined if it is none. */
export function offsetOf(cursor: string | undefined): number | undefined {
  return cursor === undefined ? undefined : parseCursor(cursor)?.offset;
}

/** Whether a cursor stands further on than another of its stream; none at all stands before each. */
export function isAhead(cursor: string | undefined, other: string | undefined): boolean {
  return (offsetOf(cursor) ?? -1) > (offsetOf(other) ?? -1);
}

/** The epoch of a cursor; undefined if it is none. */
export function epochOf(cursor: string | undefined): string | undefined {
  return cursor === undefined ? undefined : parseCursor(cursor)?.epoch;
}
