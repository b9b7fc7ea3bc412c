import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { AppendOptions, AppendOutcome, NewEvent, StreamInfo, WriterStep } from "./log.ts";
import type { LogRecord, Store, StoredStream, StoredWriter, Write } from "./store.ts";
import { recordLast } from "./store.ts";
import { checkEventLength } from "./stream-rules.ts";

/** A writer's last answers that are kept: what it may have under way. */
const REMEMBERED_STEPS = 16;
const DEFAULT_MAX_KEYS = 10_000;
/** One read takes a record as a whole out of the store: a large batch is kept as several, of so many characters or of one event. */
const RECORD_LENGTH = 32_768;
const MAX_TOMBSTONES = 10_000;
const TOMBSTONE_TTL_MS = 24 * 3_600_000;

/** What is known of one stream while it is in use: what was decided, of which `info` is what is committed. */
export class StreamState {
  readonly name: StreamName;
  readonly stored: StoredStream;
  /** As of the last commit that was answered. */
  info: StreamInfo;
  /** The last offset given out, committed or not. */
  head: number;
  /** Entries since the last segment, in a chat. */
  looseFrom: number;
  /** Whether the store has it: a stream under way for the first time is not there yet. */
  isStored: boolean;
  /** Appends under way. */
  underWay = 0;
  /** Set when a commit failed: nothing is decided on it any more; resolves when all that was under way is answered. */
  broken: Promise<void> | undefined;
  onSettled: (() => void) | undefined;
  readonly #store: Store;
  readonly #writers = new Map<string, StoredWriter>();
  /** `state`: where each key that is there stands. */
  readonly #keys = new Map<string, number>();
  /** `state`: the keys that were deleted, in the order of deletion. */
  readonly #tombstones = new Map<string, { offset: number; at: number }>();
  #total = 0;
  /** `log`: the oldest record, once it is known. */
  #oldest: LogRecord | undefined;

  constructor(store: Store, name: StreamName, stored: StoredStream, isStored: boolean) {
    this.#store = store;
    this.name = name;
    this.stored = stored;
    this.isStored = isStored;
    this.head = stored.head;
    this.looseFrom = stored.floor;
    // A stream that is made has no records, and looking for them costs as much as all else of it.
    if (isStored) this.#load();
    this.info = this.snapshot();
  }

  /** Reads what the records tell. */
  #load(): void {
    const { number, kind } = this.stored;
    const newest = first(this.#store.recordsBackward(number));
    this.head = Math.max(this.head, newest === undefined ? 0 : recordLast(newest));
    if (kind !== "state") {
      if (newest === undefined) this.stored.floor = this.head + 1;
      if (newest?.type === "batch") this.#total = newest.total;
      if (kind === "log") this.#raiseFloor();
    } else {
      for (const record of this.#store.records(number, 0)) {
        if (record.type === "keyed") this.#place(record.key, record.first, record.at, record.isDeleted);
      }
    }
    this.looseFrom = kind === "chat" ? this.#findLoose() : this.head + 1;
  }

  /** What a reader may know once everything decided so far is committed. */
  snapshot(): StreamInfo {
    const { kind, epochs, floor, isClosed, retention } = this.stored;
    return { kind, epochs, floor, head: this.head, isClosed, retention };
  }

  cursor(offset: number): string {
    return formatCursor(cursorAt(this.stored.epochs, offset));
  }

  writer(id: string): StoredWriter | undefined {
    const known = this.#writers.get(id) ?? this.#store.writer(this.stored.number, id);
    if (known !== undefined) this.#writers.set(id, known);
    return known;
  }

  /** Decides whether an append may be, before anything is changed. Undefined: it may. */
  refuse({ writer, isSole, endsWriter }: AppendOptions): AppendOutcome | undefined {
    const refusal = writer && this.#refuseStep(writer);
    if (refusal !== undefined) return refusal;
    const other = isSole === true && writer !== undefined ? this.#findOther(writer.id) : undefined;
    if (other !== undefined) return { status: "occupied", writer: other };
    const isOthersEnd = endsWriter !== undefined && endsWriter !== writer?.id;
    if (isOthersEnd && this.writer(endsWriter)?.isEnded === true) return { status: "ended" };
    return this.stored.isClosed ? { status: "closed", cursor: this.cursor(this.head) } : undefined;
  }

  #refuseStep(step: WriterStep): AppendOutcome | undefined {
    const writer = this.writer(step.id);
    if (writer === undefined) {
      return step.seq === 0 ? undefined : { status: "sequence-gap", expected: 0 };
    }
    if (step.epoch < writer.epoch) return { status: "fenced", epoch: writer.epoch };
    if (step.epoch === writer.epoch && step.seq <= writer.seq) {
      const answer = writer.recent[writer.recent.length - 1 - (writer.seq - step.seq)];
      if (answer === undefined) return { status: "sequence-gap", expected: writer.seq + 1 };
      return { status: "repeated", first: answer[0], last: answer[1], cursor: this.cursor(answer[1]) };
    }
    if (writer.isEnded) return { status: "ended" };
    const expected = step.epoch === writer.epoch ? writer.seq + 1 : 0;
    return step.seq === expected ? undefined : { status: "sequence-gap", expected };
  }

  #findOther(id: string): string | undefined {
    for (const [other, { isEnded }] of this.#writers) if (!isEnded && other !== id) return other;
    const stored = this.#store.openWriters(this.stored.number);
    return stored.find((other) => !this.#writers.has(other.id))?.id;
  }

  /** Gives offsets to events and says what is to be written. What it decides stands at once for the next append. */
  append(
    events: readonly NewEvent[],
    options: AppendOptions,
    now: number,
  ): { first: number; last: number; writes: Write[] } {
    this.#check(events);
    const first = this.head + 1;
    const last = this.head + events.length;
    const writes =
      this.stored.kind === "state" ? this.#appendKeyed(events, now) : this.#appendBatch(events, now);
    this.head = last;
    const floor = this.stored.floor;
    if (this.stored.kind === "log") writes.push(...this.#trim(now));
    if (this.stored.kind === "state") writes.push(...this.#dropTombstones(now));
    if (options.writer !== undefined)
      writes.push(this.#step(options.writer, first, last, options.endsWriter));
    if (options.endsWriter !== undefined && options.endsWriter !== options.writer?.id)
      writes.push(this.#end(options.endsWriter));
    if (options.close === true) writes.push(...this.#close(now));
    const isFloorKept = this.stored.kind === "state" && floor !== this.stored.floor;
    if (options.close === true || isFloorKept) writes.push(this.putStream());
    return { first, last, writes };
  }

  putStream(): Write {
    // A copy: what is written must not change while it waits.
    return {
      op: "put-stream",
      name: this.name,
      stream: { ...this.stored, head: this.head, epochs: [...this.stored.epochs] },
    };
  }

  /** Removes what is too old for the stream's retention. */
  expire(now: number): Write[] {
    const floor = this.stored.floor;
    const writes =
      this.stored.kind === "log"
        ? this.#trim(now)
        : this.stored.kind === "state"
          ? this.#dropTombstones(now)
          : [];
    if (floor !== this.stored.floor) writes.push(this.putStream());
    return writes;
  }

  #check(events: readonly NewEvent[]): void {
    const limit = this.stored.retention.maxEvents ?? DEFAULT_MAX_KEYS;
    /** What the batch itself has made of keys so far. */
    const changed = new Map<string, boolean>();
    let size = this.#keys.size;
    for (const { data, key, isDeleted } of events) {
      checkEventLength(data);
      if (this.stored.kind !== "state") continue;
      if (key === undefined) {
        throw new StreamError(
          "invalid-event",
          'An event of a state stream needs a member "key" that says what it replaces.',
        );
      }
      const isThere = changed.get(key) ?? this.#keys.has(key);
      changed.set(key, isDeleted !== true);
      size += Number(isDeleted !== true) - Number(isThere);
      if (size > limit && !isThere) {
        throw new StreamError(
          "too-many-keys",
          `This stream may hold ${limit} keys, and has them. Delete some, or create it with a higher retention.maxEvents.`,
        );
      }
    }
  }

  #appendBatch(events: readonly NewEvent[], at: number): Write[] {
    const writes: Write[] = [];
    let first = this.head + 1;
    for (const texts of cutTexts(events)) {
      for (const text of texts) this.#total += text.length;
      const record: LogRecord = { type: "batch", first, at, total: this.#total, events: texts };
      writes.push({ op: "put-record", number: this.stored.number, record, isNew: true });
      first += texts.length;
    }
    return writes;
  }

  #appendKeyed(events: readonly NewEvent[], at: number): Write[] {
    const { number } = this.stored;
    const writes: Write[] = [];
    let offset = this.head;
    for (const { key = "", data, isDeleted = false } of events) {
      offset += 1;
      const former = this.#place(key, offset, at, isDeleted);
      if (former !== undefined) writes.push({ op: "remove-record", number, first: former });
      writes.push({
        op: "put-record",
        number,
        record: { type: "keyed", first: offset, at, key, isDeleted, data },
        isNew: true,
      });
    }
    return writes;
  }

  /** Puts a key at an offset; returns where it stood before. */
  #place(key: string, offset: number, at: number, isDeleted: boolean): number | undefined {
    const former = this.#keys.get(key) ?? this.#tombstones.get(key)?.offset;
    this.#keys.delete(key);
    this.#tombstones.delete(key);
    if (isDeleted) this.#tombstones.set(key, { offset, at });
    else this.#keys.set(key, offset);
    return former;
  }

  /** An append trims without writing where the floor is then: what is kept tells it. */
  #raiseFloor(): void {
    const { number, floor, retention } = this.stored;
    this.#oldest = first(this.#store.records(number, floor));
    const byCount = this.head - (retention.maxEvents ?? Infinity) + 1;
    this.stored.floor = Math.max(floor, byCount, this.#oldest?.first ?? 0);
  }

  #trim(now: number): Write[] {
    const { number, retention } = this.stored;
    const { maxEvents = Infinity, maxBytes = Infinity, maxAgeMs = Infinity } = retention;
    const writes: Write[] = [];
    let floor = Math.max(this.stored.floor, this.head - maxEvents + 1);
    // What is under way is not found yet: it is looked at again with the next append.
    this.#oldest ??= first(this.#store.records(number, this.stored.floor));
    while (this.#oldest?.type === "batch") {
      const last = recordLast(this.#oldest);
      const isTooOld = this.#oldest.at < now - maxAgeMs || this.#total - this.#oldest.total >= maxBytes;
      if (!isTooOld && last >= floor) break;
      floor = Math.max(floor, last + 1);
      writes.push({ op: "remove-record", number, first: this.#oldest.first });
      this.#oldest = first(this.#store.records(number, last + 1));
    }
    this.stored.floor = floor;
    return writes;
  }

  #dropTombstones(now: number): Write[] {
    const writes: Write[] = [];
    for (const [key, { offset, at }] of this.#tombstones) {
      if (this.#tombstones.size <= MAX_TOMBSTONES && at >= now - TOMBSTONE_TTL_MS) break;
      this.#tombstones.delete(key);
      this.stored.floor = Math.max(this.stored.floor, offset + 1);
      writes.push({ op: "remove-record", number: this.stored.number, first: offset });
    }
    return writes;
  }

  #step(step: WriterStep, first: number, last: number, endsWriter: string | undefined): Write {
    const former = this.writer(step.id);
    const recent = former?.epoch === step.epoch ? former.recent.slice(1 - REMEMBERED_STEPS) : [];
    recent.push([first, last]);
    const writer = { epoch: step.epoch, seq: step.seq, recent, isEnded: endsWriter === step.id };
    this.#writers.set(step.id, writer);
    return { op: "put-writer", name: this.name, number: this.stored.number, id: step.id, writer };
  }

  #end(id: string): Write {
    const writer = { ...(this.writer(id) ?? { epoch: 0, seq: -1, recent: [] }), isEnded: true };
    this.#writers.set(id, writer);
    return { op: "put-writer", name: this.name, number: this.stored.number, id, writer };
  }

  #close(now: number): Write[] {
    this.stored.isClosed = true;
    const { closedTtlMs } = this.stored.retention;
    if (closedTtlMs === undefined) return [];
    this.stored.deleteAt = now + closedTtlMs;
    return [{ op: "put-expiry", expiry: { at: this.stored.deleteAt, of: "stream", id: this.name } }];
  }

  #findLoose(): number {
    for (const record of this.#store.recordsBackward(this.stored.number)) {
      if (record.type === "segment") return recordLast(record) + 1;
    }
    return this.stored.floor;
  }
}

function first<T>(values: Iterable<T>): T | undefined {
  for (const value of values) return value;
  return undefined;
}

/** What each record of a batch holds. */
function* cutTexts(events: readonly NewEvent[]): Generator<string[], void> {
  let texts: string[] = [];
  let length = 0;
  for (const { data } of events) {
    if (texts.length > 0 && length + data.length > RECORD_LENGTH) {
      yield texts;
      texts = [];
      length = 0;
    }
    texts.push(data);
    length += data.length;
  }
  if (texts.length > 0) yield texts;
}
