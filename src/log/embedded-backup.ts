import type { StreamName } from "../protocol/names.ts";
import type { KeyRecord, ReadOutcome, SavedEntry, SavedStream, StreamInfo } from "./log.ts";
import { compactRecords, readSingles } from "./record-entries.ts";
import { recordLast } from "./store.ts";
import type { LogRecord, Store, StoredStream, Write } from "./store.ts";

/** A page of a backup, in characters of JSON text; the record in which it is reached comes whole. */
const PAGE_LENGTH = 262_144;
/** So much is one commit. */
const COMMIT_LENGTH = 1_048_576;
const BATCH = 1_000;

/** The names of all streams, some at a time: what changes meanwhile is met or not. */
export async function* streamNames(store: Store): AsyncGenerator<StreamName, void> {
  for (let after = ""; ;) {
    const names = store.names(after, BATCH);
    yield* names;
    after = names.at(-1) ?? "";
    if (names.length === 0) return;
  }
}

/** The same of claimed keys. */
export async function* keyRecords(store: Store): AsyncGenerator<[id: string, record: KeyRecord], void> {
  for (let after = ""; ;) {
    const keys = store.keys(after, BATCH);
    yield* keys;
    after = keys.at(-1)?.[0] ?? "";
    if (keys.length === 0) return;
  }
}

/** Reads what follows an offset event by event, up to the head. */
export function readSinglesPage(store: Store, number: number, info: StreamInfo, after: number): ReadOutcome {
  const records: LogRecord[] = [];
  let length = 0;
  for (const record of store.records(number, after + 1)) {
    // As `readEntries` has it.
    if (length > PAGE_LENGTH || (record.first > info.head && info.kind !== "state")) break;
    records.push(record);
    length += record.type === "batch" ? record.events.join("").length : record.data.length;
  }
  const last = records.at(-1);
  const head = Math.max(info.head, last === undefined ? 0 : recordLast(last));
  return { status: "page", entries: readSingles(records, after), info: { ...info, head } };
}

/** What is put back of a stream, and behind it its ends: in a state they replace what their keys had. */
export function withEnds({ kind, head, entries, ends: { events } }: SavedStream, now: number): SavedEntry[] {
  const replaced = new Set(events.map(({ key }) => key));
  const kept = kind === "state" ? entries.filter(({ key }) => !replaced.has(key)) : entries;
  return [...kept, ...events.map((event, index) => ({ ...event, offset: head + 1 + index, at: now }))];
}

/** The name of a stream that is being put back: none that anybody can ask for. */
export function nameWhileRestored(number: number): StreamName {
  return `put back/${number}` as StreamName; // no name has a space
}

/** What removes a stream with all that it holds. */
export function removalOf(store: Store, name: StreamName, number: number): Write[] {
  const records = [...store.records(number, 0)];
  return [
    { op: "remove-stream", name, number },
    ...records.map(({ first }) => ({ op: "remove-record" as const, number, first })),
  ];
}

/** Says how a stream is put back, commit by commit. Before the last one it has another name and has expired: it is swept away if there is
 *  no last one. With the last one it takes the place of what had its name. */
export function* restoreWrites(
  store: Store,
  name: StreamName,
  stored: StoredStream,
  entries: readonly SavedEntry[],
  now: number,
): Generator<Write[], void> {
  const { number } = stored;
  const former = store.stream(name);
  const meanwhile = nameWhileRestored(number);
  yield [
    { op: "put-stream", name: meanwhile, stream: { ...stored, epochs: [...stored.epochs], deleteAt: 1 } },
    { op: "put-expiry", expiry: { at: now, of: "stream", id: meanwhile } },
  ];
  let writes: Write[] = [];
  let length = 0;
  for (const record of stored.kind === "state" ? keyed(entries) : batches(entries)) {
    writes.push({ op: "put-record", number, record });
    length += record.type === "batch" ? record.events.join("").length : record.data.length;
    if (length < COMMIT_LENGTH) continue;
    yield writes;
    writes = [];
    length = 0;
  }
  yield writes;
  if (stored.kind === "chat") yield compactRecords(store, number, stored.floor, stored.head).writes;
  const { closedTtlMs } = stored.retention;
  const deleteAt = stored.isClosed && closedTtlMs !== undefined ? now + closedTtlMs : undefined;
  yield [
    ...(former === undefined ? [] : removalOf(store, name, former.number)),
    { op: "remove-name", name: meanwhile },
    {
      op: "put-stream",
      name,
      stream: { ...stored, epochs: [...stored.epochs], ...(deleteAt !== undefined && { deleteAt }) },
    },
    ...(deleteAt === undefined
      ? []
      : [{ op: "put-expiry" as const, expiry: { at: deleteAt, of: "stream" as const, id: name } }]),
  ];
}

function* keyed(entries: readonly SavedEntry[]): Generator<LogRecord, void> {
  for (const { offset, at, data, key = "", isDeleted = false } of entries)
    yield { type: "keyed", first: offset, at, key, isDeleted, data };
}

/** What was appended at the same time stands together. */
function* batches(entries: readonly SavedEntry[]): Generator<LogRecord, void> {
  let total = 0;
  for (let at = 0; at < entries.length;) {
    const [first] = entries.slice(at, at + 1);
    if (first === undefined) return;
    const events: string[] = [];
    for (let next = first; next.at === first.at && events.length < BATCH;) {
      events.push(next.data);
      total += next.data.length;
      const following = entries[at + events.length];
      if (following === undefined) break;
      next = following;
    }
    at += events.length;
    yield { type: "batch", first: first.offset, at: first.at, total, events };
  }
}
