import type { StreamName } from "../protocol/names.ts";
import { createEmbeddedLog } from "./embedded.ts";
import type { EmbeddedLogOptions } from "./embedded.ts";
import { takeFolder } from "./lmdb-folder.ts";
import type { DataFolder } from "./lmdb-folder.ts";
import {
  MAX_NUMBER,
  TAG,
  endOf,
  expiryKey,
  numbered,
  recordKey,
  recordOffset,
  tagged,
  writerKey,
} from "./lmdb-keys.ts";
import type { Change } from "./lmdb-layer.ts";
import { decodeRecord, decodeWriter, encodeRecord, encodeWriter } from "./lmdb-record.ts";
import { openTable } from "./lmdb-table.ts";
import type { Table, TableOptions } from "./lmdb-table.ts";
import type { KeyRecord, Log, OpenWriter } from "./log.ts";
import { recordLast } from "./store.ts";
import type { Expiry, LogRecord, Store, StoredStream, Write } from "./store.ts";

export interface LmdbLogOptions extends EmbeddedLogOptions, TableOptions {
  /** The data folder; it is made if it does not exist. */
  directory: string;
}

/** An embedded log that owns its data folder. */
export interface LmdbLog extends Log {
  /** Writes into the folder where its owner can be reached. */
  announce(url: string): void;
}

/** Opens the log in a data folder, which it owns until `close` or the end of the process.
 *  Promise: what was appended survives SIGKILL of the process; it is flushed to the disk within 250 ms, and an end of the machine
 *           in between opens a new epoch, so that a reader is told.
 *  Errors:  DataFolderError where another process owns the folder, or its format is another. */
export async function openLmdbLog({ directory, ...options }: LmdbLogOptions): Promise<LmdbLog> {
  const folder = takeFolder(directory);
  const store = createStore(await openTable(directory, options), folder);
  const log = createEmbeddedLog(store, options);
  return {
    ...log,
    announce: (url) => folder.announce(url),
    async close() {
      await log.close();
      folder.release();
    },
  };
}

/** A store in a table. */
function createStore(table: Table, { generation, wasInterrupted }: DataFolder): Store {
  let gathered: { writes: Write[]; done: Promise<void> } | undefined;
  // Numbers are handed out in blocks: what a dead process did not use is left out.
  let number = table.get(NUMBERS)?.readUIntBE(0, 6) ?? 0;
  let numbersEnd = number;
  let areNumbersDue = false;

  function getJson<T>(key: string): T | undefined {
    const bytes = table.get(key);
    return bytes && (JSON.parse(bytes.toString()) as T); // written by `json`
  }

  /** What writes mean for the table, in their order. */
  function changesOf(writes: readonly Write[]): Change[] {
    const changes: Change[] = areNumbersDue ? [{ key: NUMBERS, value: sixBytes(numbersEnd) }] : [];
    for (const write of writes) addChanges(changes, write);
    return changes;
  }

  function addChanges(changes: Change[], write: Write): void {
    switch (write.op) {
      case "put-stream":
        changes.push(json(tagged(TAG.stream, write.name), write.stream));
        return;
      case "remove-stream":
        changes.push({ key: tagged(TAG.stream, write.name), value: undefined });
        for (const tag of [TAG.writer, TAG.openWriter]) {
          const prefix = numbered(tag, write.number);
          for (const [key] of table.between(prefix, endOf(prefix))) changes.push({ key, value: undefined });
          // Those of the same commit, too.
          for (const { key } of changes.filter((change) => change.key.startsWith(prefix)))
            changes.push({ key, value: undefined });
        }
        return;
      case "remove-name":
        changes.push({ key: tagged(TAG.stream, write.name), value: undefined });
        return;
      case "put-record": {
        const { number: stream, record, isNew = false } = write;
        changes.push({ key: recordKey(stream, record.first), value: encodeRecord(record), isNew });
        return;
      }
      case "remove-record":
        changes.push({ key: recordKey(write.number, write.first), value: undefined });
        return;
      case "put-writer": {
        const { name, number: stream, id, writer } = write;
        const openKey = writerKey(TAG.openWriter, stream, id);
        changes.push({ key: writerKey(TAG.writer, stream, id), value: encodeWriter(writer) });
        if (writer.isEnded) changes.push({ key: openKey, value: undefined });
        else if (writer.seq === 0)
          changes.push(json(openKey, { stream: name, id, epoch: writer.epoch } satisfies OpenWriter));
        return;
      }
      case "put-key":
        changes.push(json(tagged(TAG.key, write.id), write.record));
        return;
      case "remove-key":
        changes.push({ key: tagged(TAG.key, write.id), value: undefined });
        return;
      case "put-expiry":
        changes.push(json(keyOf(write.expiry), write.expiry));
        return;
      case "remove-expiry":
        changes.push({ key: keyOf(write.expiry), value: undefined });
        return;
    }
  }

  /** What is written within one turn of the loop, whatever the stream, is one commit: with many runs at a time their tokens come
   *  in the same turns. */
  function gather(): { writes: Write[]; done: Promise<void> } {
    const writes: Write[] = [];
    const done = new Promise<void>((resolve, reject) => {
      const write = () => {
        gathered = undefined;
        try {
          table.write(changesOf(writes));
          areNumbersDue = false;
          resolve();
        } catch (error) {
          reject(error);
        }
      };
      setImmediate(() => {
        if (table.isFull) void table.checkpoint().then(write);
        else write();
      });
    });
    return { writes, done };
  }

  /** What stands behind the key of one text, with the texts of their keys. */
  function following(tag: number, after: string, limit: number): [text: string, value: Buffer][] {
    const prefix = tagged(tag);
    const found: [string, Buffer][] = [];
    // From the least key behind it on.
    const from = after === "" ? prefix : `${tagged(tag, after)}\0`;
    for (const [key, value] of table.between(from, endOf(prefix))) {
      found.push([Buffer.from(key.slice(prefix.length), "latin1").toString(), value]);
      if (found.length >= limit) break;
    }
    return found;
  }

  return {
    generation,
    wasInterrupted,
    stream: (name) => getJson<StoredStream>(tagged(TAG.stream, name)),
    names: (after, limit) => following(TAG.stream, after, limit).map(([name]) => name as StreamName), // written by `addChanges`
    keys: (after, limit) =>
      following(TAG.key, after, limit).map(([id, value]) => [id, JSON.parse(value.toString()) as KeyRecord]), // likewise
    *records(stream, offset) {
      const start = recordKey(stream, offset);
      const exact = table.get(start);
      if (exact !== undefined) yield decodeRecord(offset, exact);
      else {
        // The one before may reach to the offset.
        const [before] = table.between(numbered(TAG.record, stream), start, true);
        const record = before && recordAt(before);
        if (record !== undefined && recordLast(record) >= offset) yield record;
      }
      const behind = recordKey(stream, offset + 1);
      for (const entry of table.between(behind, recordKey(stream, MAX_NUMBER))) yield recordAt(entry);
    },
    *recordsBackward(stream) {
      const prefix = numbered(TAG.record, stream);
      for (const entry of table.between(prefix, endOf(prefix), true)) yield recordAt(entry);
    },
    writer(stream, id) {
      const bytes = table.get(writerKey(TAG.writer, stream, id));
      return bytes && decodeWriter(bytes);
    },
    openWriters(stream) {
      const prefix = stream === undefined ? tagged(TAG.openWriter) : numbered(TAG.openWriter, stream);
      const values = [...table.between(prefix, endOf(prefix))].map(([, value]) => value);
      return values.map((value) => JSON.parse(value.toString()) as OpenWriter); // written by `addChanges`
    },
    key: (id) => getJson<KeyRecord>(tagged(TAG.key, id)),
    expired(now, limit) {
      const expiries: Expiry[] = [];
      for (const [, value] of table.between(tagged(TAG.expiry), numbered(TAG.expiry, now + 1))) {
        if (expiries.length >= limit) break;
        expiries.push(JSON.parse(value.toString()) as Expiry); // written by `addChanges`
      }
      return expiries;
    },
    nextNumber() {
      number += 1;
      if (number > numbersEnd) {
        numbersEnd = number + 1_000;
        // Written with the stream that gets the number.
        areNumbersDue = true;
      }
      return number;
    },
    commit(writes) {
      if (writes.length === 0) return Promise.resolve();
      gathered ??= gather();
      gathered.writes.push(...writes);
      return gathered.done;
    },
    async close() {
      await gathered?.done.catch(() => undefined);
      await table.close();
    },
  };
}

const NUMBERS = tagged(TAG.numbers);

function recordAt([key, value]: readonly [key: string, value: Buffer]): LogRecord {
  return decodeRecord(recordOffset(key), value);
}

function keyOf({ at, of, id }: Expiry): string {
  return expiryKey(at, of, id);
}

function json(key: string, value: unknown): Change {
  return { key, value: Buffer.from(JSON.stringify(value)) };
}

function sixBytes(value: number): Buffer {
  const bytes = Buffer.alloc(6);
  bytes.writeUIntBE(value, 0, 6);
  return bytes;
}
