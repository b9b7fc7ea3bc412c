import type { EpochLink } from "./cursor.ts";
import { StreamError } from "./error.ts";
import type { MessageEnd, StreamKind } from "./event.ts";
import { parseStreamName } from "./names.ts";
import type { StreamName } from "./names.ts";

/** How a backup is written: one JSON object a line. A stream begins with its name and ends with what it must amount to, so that one that was cut
 *  is known.
 *  Source: PROTOCOL.md "Backups". */
export type BackupLine = BackupHead | SavedStreamHead | SavedEvent | SavedStreamEnd | SavedKey | BackupEnd;

/** The first line of a file. */
export interface BackupHead {
  millrace: "backup";
  version: 1;
  /** Unix milliseconds. */
  at: number;
}

export interface SavedStreamHead {
  stream: string;
  kind: StreamKind;
  retention: Record<string, number>;
}

export interface SavedEvent {
  offset: number;
  /** Unix milliseconds. */
  at: number;
  event: Record<string, unknown>;
}

export interface SavedStreamEnd {
  end: string;
  events: number;
  floor: number;
  head: number;
  closed: boolean;
  epochs: EpochLink[];
}

/** An `Idempotency-Key` that was claimed in one of the streams before: what is sent again after a restore is not done again. */
export interface SavedKey {
  claim: {
    id: string;
    digest: string;
    stream: string;
    cursor: string;
    note?: string;
    /** Unix milliseconds. */
    expiresAt: number;
  };
}

/** The last line: without it a file is not whole. */
export interface BackupEnd {
  done: true;
  streams: number;
  events: number;
  keys: number;
  /** Of a file: of all lines before this one, in hex. */
  sha256?: string;
}

/** A stream as it was read back from a backup. */
export interface ReadStream {
  name: StreamName;
  kind: StreamKind;
  retention: Record<string, number>;
  epochs: EpochLink[];
  floor: number;
  head: number;
  isClosed: boolean;
  entries: { offset: number; at: number; data: string; key?: string; isDeleted?: boolean }[];
}

/** Reads one line. Errors: `invalid-request` 400 for what is none. */
export function parseBackupLine(text: string): BackupLine {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new StreamError("invalid-request", `A line of the backup is not JSON: ${shorten(text)}`, {
      cause: error,
    });
  }
  if (isBackupLine(value)) return value;
  throw new StreamError("invalid-request", `A line of the backup is of no known form: ${shorten(text)}`);
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;
const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const RETENTION = new Set(["maxEvents", "maxBytes", "maxAgeMs", "closedTtlMs"]);
const EPOCH = /^[0-9a-z]{8,10}$/;

function isBackupLine(value: unknown): value is BackupLine {
  if (!isObject(value)) return false;
  if ("offset" in value) return isCount(value["offset"]) && isCount(value["at"]) && isObject(value["event"]);
  if ("stream" in value)
    return typeof value["stream"] === "string" && isKind(value["kind"]) && isRetention(value["retention"]);
  if ("end" in value) {
    const { end, events, floor, head, closed, epochs } = value;
    const areCounts = isCount(events) && isCount(floor) && isCount(head) && floor <= head + 1;
    return typeof end === "string" && areCounts && typeof closed === "boolean" && isChain(epochs);
  }
  if ("millrace" in value) return value["millrace"] === "backup" && value["version"] === 1;
  if ("claim" in value) return isClaim(value["claim"]);
  const { done, streams, events, keys } = value;
  return done === true && isCount(streams) && isCount(events) && isCount(keys);
}

function isClaim(claim: unknown): boolean {
  if (!isObject(claim) || !isCount(claim["expiresAt"])) return false;
  const { id, digest, stream, cursor, note = "" } = claim;
  return [id, digest, stream, cursor, note].every((text) => typeof text === "string") && isBounded(id);
}

/** As long as one can be claimed. */
function isBounded(id: unknown): boolean {
  return String(id).length <= 512;
}

function isKind(kind: unknown): kind is StreamKind {
  return kind === "log" || kind === "state" || kind === "chat";
}

function isRetention(retention: unknown): boolean {
  return (
    isObject(retention) &&
    Object.entries(retention).every(([name, bound]) => RETENTION.has(name) && isCount(bound))
  );
}

function isChain(epochs: unknown): boolean {
  return (
    Array.isArray(epochs) &&
    epochs.length > 0 &&
    epochs.every(
      (link: unknown) => isObject(link) && EPOCH.test(String(link["epoch"])) && isCount(link["from"]),
    )
  );
}

/** Puts the lines of streams together. */
export class StreamCollector {
  #head: SavedStreamHead | undefined;
  #entries: ReadStream["entries"] = [];

  /** Whether a stream has begun and not ended. */
  get isOpen(): boolean {
    return this.#head !== undefined;
  }

  /** Takes a line; gives a stream back with its last one. Errors: `invalid-request` 400 where the lines do not fit together. */
  take(line: SavedStreamHead | SavedEvent | SavedStreamEnd): ReadStream | undefined {
    const head = this.#head;
    if ("stream" in line) {
      if (head !== undefined) throw broken(head.stream, "it has no end");
      this.#head = line;
      this.#entries = [];
      return undefined;
    }
    if (head === undefined) throw broken("a stream", "it has no beginning");
    if ("offset" in line) {
      this.#entries.push(readEntry(line, head));
      return undefined;
    }
    this.#head = undefined;
    return this.#close(head, line);
  }

  #close({ stream, kind, retention }: SavedStreamHead, line: SavedStreamEnd): ReadStream {
    const entries = this.#entries;
    const { end, events, floor, head, closed, epochs } = line;
    if (end !== stream) throw broken(stream, `it is followed by the end of ${end}`);
    if (events !== entries.length)
      throw broken(stream, `it has ${entries.length} events, and its end says ${events}`);
    let last = kind === "state" ? 0 : floor - 1;
    for (const { offset } of entries) {
      if (kind === "state" ? offset <= last : offset !== last + 1)
        throw broken(stream, `offset ${offset} does not follow ${last}`);
      last = offset;
    }
    if (kind === "state" ? last > head : last !== head)
      throw broken(stream, `it ends at ${last}, and its end says ${head}`);
    return { name: parseStreamName(stream), kind, retention, epochs, floor, head, isClosed: closed, entries };
  }
}

function readEntry(
  { offset, at, event }: SavedEvent,
  { stream, kind }: SavedStreamHead,
): ReadStream["entries"][number] {
  const data = JSON.stringify(event);
  if (kind !== "state") return { offset, at, data };
  const { key } = event;
  if (typeof key !== "string") throw broken(stream, `the event at ${offset} has no key`);
  return { offset, at, data, key, isDeleted: event["deleted"] === true };
}

/** What has to be said of a stream that was put back: who wrote an answer when it was saved does not write it now. */
export function endsOfInterrupted({ name, kind, entries }: ReadStream): {
  events: { data: string; key?: string }[];
  close: boolean;
} {
  if (kind === "state" && /^people\/[^/]+\/chats$/.test(name)) {
    const events = entries.flatMap(({ data, key }) => {
      const { run, ...entry } = JSON.parse(data) as Record<string, unknown>;
      const ended = { ...entry, reason: "interrupted" };
      return run === undefined || key === undefined ? [] : [{ data: JSON.stringify(ended), key }];
    });
    return { events, close: false };
  }
  if (kind !== "chat") return { events: [], close: false };
  const open = new Map<string, string>();
  for (const { data } of entries) {
    if (!/"type":"message-(start|continue|end)"/.test(data.slice(0, 40))) continue;
    const { type, message, run } = JSON.parse(data) as { type: string; message: string; run: string };
    if (type === "message-end") open.delete(run);
    else open.set(run, message);
  }
  const events = [...open].map(([run, message]) => {
    const end: MessageEnd = { type: "message-end", message, run, reason: "interrupted" };
    return { data: JSON.stringify(end) };
  });
  return { events, close: events.length > 0 && name.startsWith("runs/") };
}

function broken(stream: string, why: string): StreamError {
  return new StreamError(
    "invalid-request",
    `The backup of ${shorten(stream)} is not whole: ${why}. Nothing of it was put back.`,
  );
}

function shorten(text: string): string {
  return text.length > 80 ? `${text.slice(0, 80)}…` : text;
}
