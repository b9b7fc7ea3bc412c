import type { LogRecord, StoredWriter } from "./store.ts";

const TYPES = ["batch", "segment", "keyed"] as const;
const BATCH = 0;
const HEAD_BYTES = 17;
const MAX_VARINT_BYTES = 5;
const BRACE = 0x7b;
const WRITER_BYTES = 25 + MAX_VARINT_BYTES;

/** Writes a record as bytes: type, time and total, then the lengths as varints, then the texts in UTF-8. */
export function encodeRecord(record: LogRecord): Buffer {
  if (record.type === "batch" && record.events.length === 1)
    return encodeOne(record.at, record.total, record.events[0] ?? "");
  const numbers = record.type === "segment" ? record.lengths : [];
  const texts = recordTexts(record);
  const sizes = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(
    HEAD_BYTES +
      (2 + numbers.length + sizes.length) * MAX_VARINT_BYTES +
      sizes.reduce((sum, size) => sum + size, 0),
  );
  bytes[0] = TYPES.indexOf(record.type);
  bytes.writeDoubleBE(record.at, 1);
  bytes.writeDoubleBE(
    record.type === "batch" ? record.total : record.type === "keyed" ? Number(record.isDeleted) : 0,
    9,
  );
  let at = HEAD_BYTES;
  for (const list of [numbers, sizes]) {
    at = writeVarint(bytes, at, list.length);
    for (const value of list) at = writeVarint(bytes, at, value);
  }
  for (const text of texts) at += bytes.write(text, at);
  return bytes.subarray(0, at);
}

/** What most appends write: one event. */
function encodeOne(at: number, total: number, text: string): Buffer {
  const size = Buffer.byteLength(text);
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + 2 + MAX_VARINT_BYTES + size);
  bytes[0] = BATCH;
  bytes.writeDoubleBE(at, 1);
  bytes.writeDoubleBE(total, 9);
  // No lengths; one size.
  bytes[HEAD_BYTES] = 0;
  bytes[HEAD_BYTES + 1] = 1;
  const start = writeVarint(bytes, HEAD_BYTES + 2, size);
  return bytes.subarray(0, start + bytes.write(text, start));
}

/** Reads what `encodeRecord` wrote; `first` stands in the key. */
export function decodeRecord(first: number, bytes: Buffer): LogRecord {
  const reader = { bytes, at: HEAD_BYTES };
  const lengths = readList(reader);
  const texts = readList(reader).map((size) => bytes.toString("utf8", reader.at, (reader.at += size)));
  const at = bytes.readDoubleBE(1);
  const total = bytes.readDoubleBE(9);
  const type = TYPES[bytes[0] ?? TYPES.length];
  switch (type) {
    case "batch":
      return { type, first, at, total, events: texts };
    case "segment":
      return { type, first, at, lengths, data: texts[0] ?? "" };
    case "keyed":
      return { type, first, at, isDeleted: total === 1, key: texts[0] ?? "", data: texts[1] ?? "" };
    case undefined:
      break;
  }
  throw new Error(`the log holds a record of an unknown type: ${bytes[0]}`);
}

/** Writes a writer as bytes: whether it has ended, its epoch and step, then its last steps, each from the one before. */
export function encodeWriter({ epoch, seq, recent, isEnded }: StoredWriter): Buffer {
  const bytes = Buffer.allocUnsafe(WRITER_BYTES + recent.length * 2 * MAX_VARINT_BYTES);
  const [oldest] = recent;
  bytes[0] = Number(isEnded);
  bytes.writeDoubleBE(epoch, 1);
  bytes.writeDoubleBE(seq, 9);
  bytes.writeDoubleBE(oldest?.[0] ?? 0, 17);
  let at = writeVarint(bytes, WRITER_BYTES - MAX_VARINT_BYTES, recent.length);
  let next = oldest?.[0] ?? 0;
  for (const [first, last] of recent) {
    at = writeVarint(bytes, at, first - next);
    at = writeVarint(bytes, at, last - first + 1);
    next = last + 1;
  }
  return bytes.subarray(0, at);
}

/** Reads what `encodeWriter` wrote. */
export function decodeWriter(bytes: Buffer): StoredWriter {
  // Folders that are older than this form hold JSON.
  if (bytes[0] === BRACE) return JSON.parse(bytes.toString()) as StoredWriter;
  const reader = { bytes, at: WRITER_BYTES - MAX_VARINT_BYTES };
  const recent: StoredWriter["recent"] = [];
  let next = bytes.readDoubleBE(17);
  for (let left = readVarint(reader); left > 0; left--) {
    const first = next + readVarint(reader);
    next = first + readVarint(reader);
    recent.push([first, next - 1]);
  }
  return { epoch: bytes.readDoubleBE(1), seq: bytes.readDoubleBE(9), recent, isEnded: bytes[0] === 1 };
}

function recordTexts(record: LogRecord): readonly string[] {
  switch (record.type) {
    case "batch":
      return record.events;
    case "segment":
      return [record.data];
    case "keyed":
      return [record.key, record.data];
  }
}

function writeVarint(bytes: Buffer, start: number, number: number): number {
  let at = start;
  let rest = number;
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

function readList(reader: { bytes: Buffer; at: number }): number[] {
  const list = Array.from<number>({ length: readVarint(reader) });
  for (let index = 0; index < list.length; index++) list[index] = readVarint(reader);
  return list;
}

function readVarint(reader: { bytes: Buffer; at: number }): number {
  let value = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = reader.bytes[reader.at++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return value;
  }
}
