import type { Entry } from "../protocol/event.ts";
import { cutSegment, deltaData, mergeEntries, segmentEntry, toParts } from "../protocol/merge.ts";
import type { Segment } from "../protocol/merge.ts";
import type { ReadLimit, StreamInfo } from "./log.ts";
import { recordLast } from "./store.ts";
import type { LogRecord, Store, Write } from "./store.ts";

/** Where records are read from. */
type Records = Pick<Store, "records">;

/** Reads the entries after an offset out of a stream's records, up to its head; a chat's deltas come merged.
 *  Law: what is read is committed, and has no hole. */
export function readEntries(
  store: Records,
  number: number,
  info: StreamInfo,
  after: number,
  { maxEntries = 1_000, maxLength = 49_152 }: ReadLimit,
): Entry[] {
  const entries: Entry[] = [];
  let length = 0;
  let isFull = false;
  for (const record of store.records(number, after + 1)) {
    // A state is read as far as it is committed, answered or not: a key's former entry is gone with the same commit.
    if (record.first > info.head && info.kind !== "state") break;
    for (const entry of entriesAfter(record, after, maxLength - length)) {
      isFull = entries.length > 0 && (entries.length >= maxEntries || length + entry.data.length > maxLength);
      if (isFull) break;
      entries.push(entry);
      length += entry.data.length;
    }
    // A segment that was cut goes on with the next page. The next record, which may be large, is not read in vain.
    if (isFull || (entries.length > 0 && entries.at(-1)?.offset !== recordLast(record))) break;
  }
  return info.kind === "chat" ? mergeEntries(entries) : entries;
}

/** The same event by event, as they were appended: a segment is taken apart again. */
export function readSingles(records: Iterable<LogRecord>, after: number): Entry[] {
  const entries: Entry[] = [];
  for (const record of records) {
    if (record.type !== "segment") {
      entries.push(...entriesAfter(record, after, Infinity));
      continue;
    }
    const event = JSON.parse(record.data) as Segment["event"]; // written by `toRecord`
    let from = 0;
    for (const [index, length] of record.lengths.entries()) {
      const offset = record.first + index;
      const data = deltaData(event, event.text.slice(from, from + length));
      if (offset > after) entries.push({ offset, span: 1, at: record.at, data });
      from += length;
    }
  }
  return entries;
}

/** Says how a chat's single deltas from `from` to `head` are rewritten as segments. Offsets stay what they are. */
export function compactRecords(
  store: Records,
  number: number,
  from: number,
  head: number,
): { writes: Write[]; next: number } {
  const writes: Write[] = [];
  const entries: Entry[] = [];
  for (const record of store.records(number, from)) {
    if (record.type !== "batch" || recordLast(record) > head) break;
    writes.push({ op: "remove-record", number, first: record.first });
    entries.push(...entriesAfter(record, 0, Infinity));
  }
  for (const part of toParts(entries)) writes.push({ op: "put-record", number, record: toRecord(part) });
  return { writes, next: (entries.at(-1)?.offset ?? from - 1) + 1 };
}

/** A hole is looked for among so many records: more than a stream has under way. */
const MAX_DOUBTFUL = 256;

/** Says how to remove what a failed commit left behind it: records at the end that do not follow on each other. */
export function orphanWrites(store: Store, number: number): Write[] {
  const tail: LogRecord[] = [];
  let orphans = 0;
  for (const record of store.recordsBackward(number)) {
    const newer = tail.at(-1);
    if (newer !== undefined && recordLast(record) + 1 !== newer.first) orphans = tail.length;
    tail.push(record);
    if (tail.length >= MAX_DOUBTFUL) break;
  }
  return tail.slice(0, orphans).map(({ first }) => ({ op: "remove-record", number, first }));
}

function entriesAfter(record: LogRecord, after: number, maxLength: number): Entry[] {
  switch (record.type) {
    case "keyed":
      return record.first > after
        ? [{ offset: record.first, span: 1, at: record.at, data: record.data }]
        : [];
    case "segment": {
      const entry = {
        offset: recordLast(record),
        span: record.lengths.length,
        at: record.at,
        data: record.data,
      };
      if (after < record.first && record.data.length <= maxLength) return [entry];
      const segment: Segment = { ...record, event: JSON.parse(record.data) as Segment["event"] }; // written by `toRecord`
      const cut = cutSegment(segment, after, Math.max(maxLength, 1));
      return cut === undefined ? [] : [cut];
    }
    case "batch":
      return record.events.slice(Math.max(0, after - record.first + 1)).map((data, index) => ({
        offset: Math.max(record.first, after + 1) + index,
        span: 1,
        at: record.at,
        data,
      }));
  }
}

function toRecord(part: Segment | Entry): LogRecord {
  if (!("lengths" in part))
    return { type: "batch", first: part.offset, at: part.at, total: 0, events: [part.data] };
  const { first, lengths, at } = part;
  return { type: "segment", first, lengths, at, data: segmentEntry(part).data };
}
