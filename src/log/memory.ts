import type { StreamName } from "../protocol/names.ts";
import { createEmbeddedLog } from "./embedded.ts";
import type { EmbeddedLogOptions } from "./embedded.ts";
import type { KeyRecord, Log } from "./log.ts";
import { recordLast } from "./store.ts";
import type { Expiry, LogRecord, Store, StoredStream, StoredWriter, Write } from "./store.ts";

/** A log that lives as long as its process: for tests, demonstrations and what may be lost. */
export function createMemoryLog(options: EmbeddedLogOptions = {}): Log {
  return createEmbeddedLog(createMemoryStore(), options);
}

interface Kept {
  name: StreamName;
  stored: StoredStream;
  /** By their first offset, rising. */
  records: LogRecord[];
  writers: Map<string, StoredWriter>;
}

/** What a log in memory keeps. */
export function createMemoryStore(): Store {
  const byName = new Map<StreamName, Kept>();
  const byNumber = new Map<number, Kept>();
  const keys = new Map<string, KeyRecord>();
  let expiries: Expiry[] = [];
  let numbers = 0;

  function apply(write: Write): void {
    switch (write.op) {
      case "put-stream": {
        const former = byNumber.get(write.stream.number);
        const kept = former ?? { name: write.name, stored: write.stream, records: [], writers: new Map() };
        kept.stored = write.stream;
        kept.name = write.name;
        byName.set(write.name, kept);
        byNumber.set(write.stream.number, kept);
        return;
      }
      case "remove-stream":
        if (byName.get(write.name)?.stored.number === write.number) byName.delete(write.name);
        byNumber.delete(write.number);
        return;
      case "remove-name":
        byName.delete(write.name);
        return;
      case "put-record": {
        const records = byNumber.get(write.number)?.records;
        if (records === undefined) return;
        const last = records.at(-1);
        if (last === undefined || last.first < write.record.first) records.push(write.record);
        else records.splice(indexOf(records, write.record.first), 0, write.record);
        return;
      }
      case "remove-record": {
        const records = byNumber.get(write.number)?.records ?? [];
        const index = indexOf(records, write.first);
        if (records[index]?.first === write.first) records.splice(index, 1);
        return;
      }
      case "put-writer":
        byNumber.get(write.number)?.writers.set(write.id, write.writer);
        return;
      case "put-key":
        keys.set(write.id, write.record);
        return;
      case "remove-key":
        keys.delete(write.id);
        return;
      case "put-expiry":
        expiries.push(write.expiry);
        return;
      case "remove-expiry":
        expiries = expiries.filter((expiry) => expiry !== write.expiry);
        return;
    }
  }

  return {
    generation: 1,
    wasInterrupted: false,
    stream(name) {
      const kept = byName.get(name);
      return kept && structuredClone(kept.stored);
    },
    names: (after, limit) => following(byName.keys(), after, limit),
    keys: (after, limit) =>
      following(keys.keys(), after, limit).flatMap((id) => {
        const record = keys.get(id);
        return record === undefined ? [] : [[id, record]];
      }),
    *records(number, offset) {
      const records = byNumber.get(number)?.records ?? [];
      let index = indexOf(records, offset);
      const before = records[index - 1];
      if (before !== undefined && recordLast(before) >= offset) index -= 1;
      for (; index < records.length; index++) yield* records.slice(index, index + 1);
    },
    *recordsBackward(number) {
      const records = byNumber.get(number)?.records ?? [];
      for (let index = records.length; index > 0; index--) yield* records.slice(index - 1, index);
    },
    writer: (number, id) => byNumber.get(number)?.writers.get(id),
    openWriters(number) {
      const kept = [...byName.values()].filter(
        ({ stored }) => number === undefined || stored.number === number,
      );
      return kept.flatMap(({ name, writers }) =>
        [...writers].flatMap(([id, { epoch, isEnded }]) => (isEnded ? [] : [{ stream: name, id, epoch }])),
      );
    },
    key: (id) => keys.get(id),
    expired: (now, limit) => expiries.filter((expiry) => expiry.at <= now).slice(0, limit),
    nextNumber: () => ++numbers,
    async commit(writes) {
      for (const write of writes) apply(write);
    },
    async close() {},
  };
}

/** The first of these after one, in order. */
function following<T extends string>(all: Iterable<T>, after: string, limit: number): T[] {
  return [...all]
    .filter((one) => one > after)
    .toSorted()
    .slice(0, limit);
}

/** The index of the first record that begins at or after an offset. */
function indexOf(records: readonly LogRecord[], offset: number): number {
  let low = 0;
  let high = records.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((records[middle]?.first ?? Infinity) < offset) low = middle + 1;
    else high = middle;
  }
  return low;
}
