import { open } from "lmdb";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import { createEmbeddedLog } from "./embedded.ts";
import type { EmbeddedLogOptions } from "./embedded.ts";
import { takeFolder } from "./lmdb-folder.ts";
import { decodeRecord, encodeRecord } from "./lmdb-record.ts";
import type { KeyRecord, Log, OpenWriter } from "./log.ts";
import { recordLast } from "./store.ts";
import type { Expiry, LogRecord, Store, StoredStream, StoredWriter, Write } from "./store.ts";

export interface LmdbLogOptions extends EmbeddedLogOptions {
  /** The data folder; it is made if it does not exist. */
  directory: string;
}

/** An embedded log that owns its data folder. */
export interface LmdbLog extends Log {
  /** Writes into the folder where its owner can be reached. */
  announce(url: string): void;
}

/** Opens the log in a data folder, which it owns until `close` or the end of the process.
 *  Promise: what was appended survives SIGKILL of the process; LMDB flushes to the disk right behind each commit, and an end of
 *           the machine in between opens a new epoch, so that a reader is told.
 *  Errors:  DataFolderError where another process owns the folder, or its format is another. */
export async function openLmdbLog({ directory, ...options }: LmdbLogOptions): Promise<LmdbLog> {
  const folder = takeFolder(directory);
  const store = openStore(directory, folder.generation, folder.wasInterrupted);
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

// Keys, in the order in which they stand in the file. Numbers are 6 bytes, big-endian, so that they sort.
const TAG = { stream: 1, record: 2, writer: 3, openWriter: 4, key: 5, expiry: 6, numbers: 7 } as const;
const MAX_NUMBER = 2 ** 48 - 1;

function openStore(directory: string, generation: number, wasInterrupted: boolean): Store {
  const db = open<Buffer, Buffer>({
    path: `${directory}/log`,
    encoding: "binary",
    keyEncoding: "binary",
    // Each commit is a batch of its own; the binding would add a promise per turn of the loop that nobody can catch.
    eventTurnBatching: false,
    // The room of addresses that is set aside, not of the disk; it grows in steps when it is used up.
    mapSize: 2 ** 36,
    maxReaders: 16,
  });
  // Numbers are handed out in blocks: what a dead process did not use is left out.
  const numbersKey = tagged(TAG.numbers);
  let gathered: { writes: Write[]; done: Promise<void> } | undefined;
  let number = db.get(numbersKey)?.readUIntBE(0, 6) ?? 0;
  let numbersEnd = number;

  function getJson<T>(key: Buffer): T | undefined {
    const bytes = db.get(key);
    return bytes && (JSON.parse(bytes.toString()) as T); // written by `putJson`
  }

  function putJson(key: Buffer, value: unknown): void {
    quiet(db.put(key, Buffer.from(JSON.stringify(value))));
  }

  function apply(write: Write): void {
    switch (write.op) {
      case "put-stream":
        return putJson(streamKey(write.name), write.stream);
      case "remove-stream":
        quiet(db.remove(streamKey(write.name)));
        for (const tag of [TAG.writer, TAG.openWriter]) {
          const prefix = numbered(tag, write.number);
          for (const key of db.getKeys({ start: prefix, end: after(prefix) })) quiet(db.remove(key));
        }
        return;
      case "put-record":
        quiet(db.put(numbered(TAG.record, write.number, write.record.first), encodeRecord(write.record)));
        return;
      case "remove-record":
        quiet(db.remove(numbered(TAG.record, write.number, write.first)));
        return;
      case "put-writer": {
        const { name, number, id, writer } = write;
        putJson(writerKey(TAG.writer, number, id), writer);
        if (writer.isEnded) quiet(db.remove(writerKey(TAG.openWriter, number, id)));
        else if (writer.seq === 0) {
          putJson(writerKey(TAG.openWriter, number, id), {
            stream: name,
            id,
            epoch: writer.epoch,
          } satisfies OpenWriter);
        }
        return;
      }
      case "put-key":
        return putJson(tagged(TAG.key, write.id), write.record);
      case "remove-key":
        quiet(db.remove(tagged(TAG.key, write.id)));
        return;
      case "put-expiry":
        return putJson(expiryKey(write.expiry), write.expiry);
      case "remove-expiry":
        quiet(db.remove(expiryKey(write.expiry)));
        return;
    }
  }

  /** What is written within one turn of the loop, whatever the stream, is one commit: with many runs at a time their tokens come
   *  in the same turns, and a commit costs about the same however much is in it. */
  function gather(): { writes: Write[]; done: Promise<void> } {
    const writes: Write[] = [];
    const done = new Promise<void>((resolve, reject) => {
      setImmediate(() => {
        gathered = undefined;
        db.batch(() => {
          for (const write of writes) apply(write);
        }).then(
          () => resolve(),
          (error: unknown) => reject(commitError(error)),
        );
      });
    });
    return { writes, done };
  }

  return {
    generation,
    wasInterrupted,
    stream: (name) => getJson<StoredStream>(streamKey(name)),
    *records(number, offset) {
      const end = numbered(TAG.record, number, MAX_NUMBER);
      let start = numbered(TAG.record, number, offset);
      const floor = numbered(TAG.record, number);
      for (const before of db.getRange({ start, end: floor, reverse: true, limit: 1 })) {
        if (recordLast(recordAt(before)) >= offset) start = before.key;
      }
      for (const entry of db.getRange({ start, end })) yield recordAt(entry);
    },
    *recordsBackward(number) {
      const start = numbered(TAG.record, number, MAX_NUMBER);
      for (const entry of db.getRange({ start, end: numbered(TAG.record, number), reverse: true }))
        yield recordAt(entry);
    },
    writer: (number, id) => getJson<StoredWriter>(writerKey(TAG.writer, number, id)),
    openWriters() {
      const range = db.getRange({ start: tagged(TAG.openWriter), end: tagged(TAG.openWriter + 1) });
      return [...range].map(({ value }) => JSON.parse(value.toString()) as OpenWriter); // written by `apply`
    },
    key: (id) => getJson<KeyRecord>(tagged(TAG.key, id)),
    expired(now, limit) {
      const range = db.getRange({ start: tagged(TAG.expiry), end: numbered(TAG.expiry, now + 1), limit });
      return [...range].map(({ value }) => JSON.parse(value.toString()) as Expiry); // written by `apply`
    },
    nextNumber() {
      number += 1;
      if (number > numbersEnd) {
        numbersEnd = number + 1_000;
        const bytes = Buffer.alloc(6);
        bytes.writeUIntBE(numbersEnd, 0, 6);
        // Queued before the stream that gets the number, so committed before it or with it.
        db.put(numbersKey, bytes).catch(() => {
          numbersEnd = 0;
        });
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
      await db.flushed;
      await db.close();
    },
  };
}

function recordAt({ key, value }: { key: Buffer; value: Buffer }): LogRecord {
  return decodeRecord(key.readUIntBE(7, 6), value);
}

/** A write of a batch answers for itself, too, though the batch's answer says all. */
function quiet(write: Promise<unknown>): void {
  write.catch(() => undefined);
}

/** LMDB's binding says the reason in a promise of its own, and `Input/output error` where the disk is full. */
function commitError(error: unknown): StreamError {
  const reason: unknown = error instanceof Error && "commitError" in error ? error.commitError : undefined;
  if (reason instanceof Promise) reason.catch(() => undefined);
  return new StreamError(
    "log-full",
    "The log could not be written: the disk is full or refuses. Nothing of this append was kept, and what was acknowledged before is safe. Free some space, then send it again.",
    { cause: error },
  );
}

function tagged(tag: number, text = ""): Buffer {
  const bytes = Buffer.alloc(1 + Buffer.byteLength(text));
  bytes[0] = tag;
  bytes.write(text, 1);
  return bytes;
}

function numbered(tag: number, ...numbers: number[]): Buffer {
  const bytes = Buffer.alloc(1 + 6 * numbers.length);
  bytes[0] = tag;
  numbers.forEach((number, index) => bytes.writeUIntBE(number, 1 + 6 * index, 6));
  return bytes;
}

function after(prefix: Buffer): Buffer {
  return Buffer.concat([prefix, Buffer.from([0xff])]);
}

function streamKey(name: StreamName): Buffer {
  return tagged(TAG.stream, name);
}

function writerKey(tag: number, number: number, id: string): Buffer {
  return Buffer.concat([numbered(tag, number), Buffer.from(id)]);
}

function expiryKey({ at, of, id }: Expiry): Buffer {
  return Buffer.concat([numbered(TAG.expiry, at), Buffer.from(`${of} ${id}`)]);
}
