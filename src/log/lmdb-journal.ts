import {
  closeSync,
  fdatasync,
  ftruncateSync,
  openSync,
  readFileSync,
  readdirSync,
  unlinkSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { crc32 } from "node:zlib";
import type { Change } from "./lmdb-layer.ts";

/** How long what was committed may wait until it is flushed to the disk. */
const FLUSH_MS = 250;
const FILE_NAME = /^journal-\d{15}$/;

// A batch: the length of its body, a checksum of what follows that, its number, its body. In the body, for each change: the length
// of its key, the length of its value plus one (0: the key goes), the key, the value. Numbers are little-endian.
const HEAD_BYTES = 14;
const CHECKED_FROM = 8;
const CHANGE_BYTES = 6;
const BUFFER_BYTES = 65_536;
/** A buffer that grew beyond this is not kept. */
const MAX_BUFFER_BYTES = 1_048_576;

const flushFile = promisify(fdatasync);

interface JournalFile {
  path: string;
  descriptor: number;
  /** The number of its first batch, by which it is named. */
  first: number;
}

/** Where commits go first: files that are only ever appended to. What is written there survives the end of the process at a
 *  hundredth of the cost of a commit of LMDB, which is given the same later, much at a time. */
export class Journal {
  /** Bytes in the file that is written to. */
  size = 0;
  readonly #directory: string;
  /** The last one is written to; the others wait for `drop`. */
  readonly #files: JournalFile[] = [];
  #file: JournalFile;
  #next: number;
  #buffer = Buffer.allocUnsafe(BUFFER_BYTES);
  #isTorn = false;
  #flushing: ReturnType<typeof setTimeout> | undefined;

  /** Begins a file. `next` is the number of its first batch. */
  constructor(directory: string, next: number) {
    this.#directory = directory;
    this.#next = next;
    this.#file = this.#begin();
  }

  /** The number of the last batch. */
  get last(): number {
    return this.#next - 1;
  }

  /** Writes changes as one batch: all are kept, or none. Errors: those of the file system, such as `ENOSPC`. */
  append(changes: readonly Change[]): void {
    if (this.#isTorn) this.rotate();
    const length = this.#encode(changes);
    try {
      writeWhole(this.#file.descriptor, this.#buffer, length);
    } catch (error) {
      this.#takeBack();
      throw error;
    }
    this.#next += 1;
    this.size += length;
    if (this.#buffer.length > MAX_BUFFER_BYTES) this.#buffer = Buffer.allocUnsafe(BUFFER_BYTES);
    this.#flushing ??= setTimeout(() => {
      this.#flushing = undefined;
      // Should it fail: LMDB gets the same soon, and flushes for itself.
      this.flush().catch(() => undefined);
    }, FLUSH_MS);
  }

  /** Goes on in another file. */
  rotate(): void {
    this.#file = this.#begin();
    this.size = 0;
    this.#isTorn = false;
  }

  /** Resolves when what was appended so far would survive a loss of power. */
  async flush(): Promise<void> {
    await Promise.all(this.#files.map(({ descriptor }) => flushFile(descriptor)));
  }

  /** Removes the files that hold nothing after this batch, except the one that is written to. */
  drop(last: number): void {
    while ((this.#files[1]?.first ?? Infinity) <= last + 1) this.#remove(this.#files.shift());
  }

  /** Closes the files. They stay, unless nothing in them is needed any more. */
  close(isKept: boolean): void {
    clearTimeout(this.#flushing);
    for (const file of this.#files.splice(0)) {
      if (isKept) closeSync(file.descriptor);
      else this.#remove(file);
    }
  }

  #begin(): JournalFile {
    const first = this.#next;
    const path = join(this.#directory, `journal-${String(first).padStart(15, "0")}`);
    // A file in which nothing was kept yet is begun anew.
    if (this.#files.at(-1)?.first === first) this.#remove(this.#files.pop());
    const file = { path, first, descriptor: openSync(path, "w") };
    this.#files.push(file);
    return file;
  }

  #remove(file: JournalFile | undefined): void {
    if (file === undefined) return;
    closeSync(file.descriptor);
    unlinkSync(file.path);
  }

  /** What was half written must not stand before what comes next. */
  #takeBack(): void {
    try {
      ftruncateSync(this.#file.descriptor, this.size);
    } catch {
      // The next batch begins a file, whose number says that what lies here beyond it does not count.
      this.#isTorn = true;
    }
  }

  #encode(changes: readonly Change[]): number {
    let length = HEAD_BYTES;
    for (const { key, value } of changes) length += CHANGE_BYTES + key.length + (value?.length ?? 0);
    if (this.#buffer.length < length) this.#buffer = Buffer.allocUnsafe(length * 2);
    const buffer = this.#buffer;
    let at = HEAD_BYTES;
    for (const { key, value } of changes) {
      at = buffer.writeUInt16LE(key.length, at);
      at = buffer.writeUInt32LE(value === undefined ? 0 : value.length + 1, at);
      at += buffer.write(key, at, "latin1");
      if (value === undefined) continue;
      buffer.set(value, at);
      at += value.length;
    }
    buffer.writeUInt32LE(length - HEAD_BYTES, 0);
    buffer.writeUIntLE(this.#next, CHECKED_FROM, 6);
    buffer.writeUInt32LE(crc32(buffer.subarray(CHECKED_FROM, length)), 4);
    return length;
  }
}

export interface JournalBatch {
  number: number;
  changes: Change[];
}

/** Reads what a process left behind it, in the order in which it was written, up to what was torn or is missing. */
export function* readJournal(directory: string): Generator<JournalBatch, void> {
  const paths = journalFiles(directory);
  let expected: number | undefined;
  for (const [index, path] of paths.entries()) {
    const following = paths[index + 1];
    // What a file says beyond the beginning of the next one was taken back.
    const end = following === undefined ? Infinity : firstNumber(following);
    for (const batch of readBatches(readFileSync(path))) {
      if (batch.number >= end) break;
      expected ??= batch.number;
      if (batch.number !== expected) return;
      expected += 1;
      yield batch;
    }
  }
}

/** Removes the files of a journal, once what they hold is kept elsewhere. */
export function removeJournal(directory: string): void {
  for (const path of journalFiles(directory)) unlinkSync(path);
}

function journalFiles(directory: string): string[] {
  const names = readdirSync(directory).filter((name) => FILE_NAME.test(name));
  return names.toSorted().map((name) => join(directory, name));
}

function firstNumber(path: string): number {
  return Number(path.slice(-15));
}

function* readBatches(bytes: Buffer): Generator<JournalBatch, void> {
  for (let start = 0; start + HEAD_BYTES <= bytes.length;) {
    const end = start + HEAD_BYTES + bytes.readUInt32LE(start);
    const isWhole =
      end <= bytes.length &&
      crc32(bytes.subarray(start + CHECKED_FROM, end)) === bytes.readUInt32LE(start + 4);
    if (!isWhole) return;
    yield {
      number: bytes.readUIntLE(start + CHECKED_FROM, 6),
      changes: decodeChanges(bytes.subarray(start + HEAD_BYTES, end)),
    };
    start = end;
  }
}

function decodeChanges(body: Buffer): Change[] {
  const changes: Change[] = [];
  for (let at = 0; at < body.length;) {
    const keyEnd = at + CHANGE_BYTES + body.readUInt16LE(at);
    const size = body.readUInt32LE(at + 2);
    const key = body.toString("latin1", at + CHANGE_BYTES, keyEnd);
    const end = keyEnd + Math.max(0, size - 1);
    changes.push({ key, value: size === 0 ? undefined : body.subarray(keyEnd, end) });
    at = end;
  }
  return changes;
}

function writeWhole(descriptor: number, buffer: Buffer, length: number): void {
  for (let at = 0; at < length;) at += writeSync(descriptor, buffer, at, length - at);
}
