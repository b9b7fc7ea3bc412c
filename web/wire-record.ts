import type { WireEvent } from "millrace/client";
import { encodeSse, parseCursor } from "millrace/protocol";

/** One line of the wire panel: a block of the stream, or what happened to the connection. */
export type WireRow = { key: number; at: number } & (
  | {
      kind: "frame";
      /** Absent with what is the connection's own. */
      stream?: string;
      /** What it is: the `type` of the event, or the name of the block. */
      name: string;
      /** Absent where the block has none of its own. */
      id?: string;
      data: string;
      /** What is new in it: without what its neighbours say, too. */
      gist: string;
      bytes: number;
      isReplay: boolean;
      /** It came with a reading of the stream, and not over the wire. */
      isRead?: true;
      /** What was wrong with its place, and was repaired. */
      fault?: "gap" | "double";
    }
  | { kind: "mark"; tone: "quiet" | "wait" | "bad"; text: string }
);

/** What was seen of the wire. Never changed: what comes gives another one. */
export interface WireRecord {
  rows: readonly WireRow[];
  /** Of each stream, and under "" of what is the connection's own. */
  streams: ReadonlyMap<string, StreamRecord>;
  cuts: number;
  /** How many rows there were in all. */
  seen: number;
  lastId?: string;
}

/** What was seen of one stream. */
export interface StreamRecord {
  frames: number;
  bytes: number;
  /** Blocks that were out of their order. */
  faults: number;
  /** Events that came with a reading, and not over the wire. */
  reads: number;
  /** The cursor that its last event carried. */
  cursor?: string;
}

export const EMPTY_RECORD: WireRecord = { rows: [], streams: new Map(), cuts: 0, seen: 0 };
const NOTHING_SEEN: StreamRecord = { frames: 0, bytes: 0, faults: 0, reads: 0 };

/** An event that a reader of a stream was given, on whatever way it came. A tab that joins a connection of another tab reads
 *  what there was by itself. */
export interface ReadEvent {
  type: "read";
  at: number;
  stream: string;
  cursor: string;
  event: Record<string, unknown>;
}

/** Older rows go: whoever wants all of them reads the stream. */
const MAX_ROWS = 1_000;

/** Takes what happened on the wire, and what was read beside it. Pure.
 *  Law: what was read is shown where the wire has not brought it, and gives way where it does. */
export function recordWire(record: WireRecord, events: readonly (WireEvent | ReadEvent)[]): WireRecord {
  const next = { ...record };
  let rows = [...record.rows];
  const streams = new Map(record.streams);
  for (const event of events) {
    const key = next.seen++;
    if (event.type === "read") {
      const seen = streams.get(event.stream) ?? NOTHING_SEEN;
      if (offsetOf(event.cursor) <= offsetOf(seen.cursor)) continue;
      rows.push(readRow(event, key));
      streams.set(event.stream, { ...seen, reads: seen.reads + 1, cursor: event.cursor });
      continue;
    }
    if (event.type !== "block") {
      rows.push(markOf(event, key));
      if (event.type === "cut") next.cuts += 1;
      continue;
    }
    const row = frameOf(event, key, next.lastId);
    const cursor = event.order === undefined ? undefined : cursorOf(event.id);
    if (cursor !== undefined) rows = rows.filter((one) => !isReadAgain(one, event.stream, cursor));
    rows.push(row);
    if (event.id !== undefined) next.lastId = event.id;
    const former = streams.get(event.stream ?? "") ?? NOTHING_SEEN;
    streams.set(event.stream ?? "", {
      ...former,
      frames: former.frames + 1,
      bytes: former.bytes + row.bytes,
      faults: former.faults + (row.fault === undefined ? 0 : 1),
      ...(cursor !== undefined && { cursor }),
    });
  }
  return { ...next, streams, rows: rows.slice(-MAX_ROWS) };
}

/** What was seen of one stream, with what happened to the connection. `stream` undefined: of all. */
export function viewWire(record: WireRecord, stream: string | undefined): StreamRecord & { rows: WireRow[] } {
  const rows = record.rows.filter(
    (row) => row.kind === "mark" || stream === undefined || (row.stream ?? stream) === stream,
  );
  if (stream !== undefined) return { ...(record.streams.get(stream) ?? NOTHING_SEEN), rows };
  const all = [...record.streams.values()];
  const sum = (of: (one: StreamRecord) => number) => all.reduce((total, one) => total + of(one), 0);
  return {
    rows,
    frames: sum((one) => one.frames),
    bytes: sum((one) => one.bytes),
    faults: sum((one) => one.faults),
    reads: sum((one) => one.reads),
  };
}

/** Whether this is a row of what was read and has now come over the wire, from this cursor on. */
function isReadAgain(row: WireRow, stream: string | undefined, cursor: string): boolean {
  return (
    row.kind === "frame" &&
    row.isRead === true &&
    row.stream === stream &&
    offsetOf(row.id) >= offsetOf(cursor)
  );
}

function readRow({ at, stream, cursor, event }: ReadEvent, key: number): WireRow {
  const data = JSON.stringify({ stream, event });
  const { name = "message", gist } = readData(data);
  const bytes = new TextEncoder().encode(encodeSse({ id: cursor, data })).length;
  return {
    kind: "frame",
    key,
    at,
    stream,
    data,
    gist,
    name,
    bytes,
    id: cursor,
    isReplay: true,
    isRead: true,
  };
}

function offsetOf(cursor: string | undefined): number {
  return (cursor === undefined ? undefined : parseCursor(cursor)?.offset) ?? 0;
}

type Block = Extract<WireEvent, { type: "block" }>;

function frameOf(block: Block, key: number, lastId: string | undefined): Extract<WireRow, { kind: "frame" }> {
  const { at, data, isReplay, event, order, stream } = block;
  // A browser repeats the last id with a block that has none.
  const id = block.id === lastId ? undefined : block.id;
  const own = { data, ...(id !== undefined && { id }), ...(event !== undefined && { event }) };
  const fault = order === "hole" ? "gap" : order === "known" || order === "overlap" ? "double" : undefined;
  const { name = "message", gist } = readData(data);
  return {
    kind: "frame",
    key,
    at,
    data,
    gist,
    isReplay: isReplay && event === undefined,
    name: event ?? name,
    bytes: new TextEncoder().encode(encodeSse(own)).length,
    ...(id !== undefined && { id }),
    ...(stream !== undefined && { stream }),
    ...(fault !== undefined && { fault }),
  };
}

function markOf(event: Exclude<WireEvent, Block>, key: number): WireRow {
  const mark = { kind: "mark", key, at: event.at } as const;
  switch (event.type) {
    case "request":
      return { ...mark, tone: "quiet", text: describeRequest(event.url) };
    case "open":
      return { ...mark, tone: "quiet", text: "Open." };
    case "cut":
      if (event.retryAt === undefined) {
        const why = event.status === undefined ? "" : `, ${event.status}`;
        return { ...mark, tone: "bad", text: `Refused${why}. ${event.message ?? ""}`.trim() };
      }
      return { ...mark, tone: "wait", text: `Cut. The next try is in ${seconds(event.retryAt - event.at)}.` };
  }
}

function describeRequest(url: string): string {
  const { searchParams } = new URL(url, "http://origin");
  const count = searchParams.getAll("stream").length;
  const streams = count === 1 ? "1 stream" : `${count} streams`;
  const cursors = searchParams.get("last_event_id");
  return cursors === null
    ? `GET /v1/streams, ${streams} from the start.`
    : `GET /v1/streams, ${streams} after ${cursors.replaceAll("~", " and ")}.`;
}

function seconds(ms: number): string {
  return `${(Math.max(0, ms) / 1000).toFixed(1)} s`;
}

function readData(data: string): { name?: string; gist: string } {
  try {
    // What comes over several streams is wrapped: PROTOCOL.md "Several streams". Any JSON may be asked for members.
    const { stream: _stream, event, ...rest } = JSON.parse(data) as Record<string, unknown>;
    if (typeof event !== "object" || event === null) return { gist: JSON.stringify(rest) };
    const { type, text, ...more } = event as Record<string, unknown>;
    const gist = JSON.stringify(typeof text === "string" ? text : more);
    return typeof type === "string" ? { name: type, gist } : { gist };
  } catch {
    return { gist: data }; // Damaged on its way: it is shown as it came.
  }
}

/** The id of several streams is the set of their cursors, the latest last. */
function cursorOf(id: string | undefined): string {
  return id?.split("~").at(-1) ?? "";
}
