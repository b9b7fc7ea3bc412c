import type { LogRecord } from "./store.ts";

const TYPES = ["batch", "segment", "keyed"] as const;
const HEAD_BYTES = 17;

/** Writes a record as bytes: type, time and total, then the lengths as varints, then the texts in UTF-8. */
export function encodeRecord(record: LogRecord): Buffer {
  const numbers = record.type === "segment" ? record.lengths : [];
  const texts = recordTexts(record);
  const sizes = texts.map((text) => Buffer.byteLength(text));
  const bytes = Buffer.allocUnsafe(
    HEAD_BYTES + (2 + numbers.length + sizes.length) * 5 + sizes.reduce((sum, size) => sum + size, 0),
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
