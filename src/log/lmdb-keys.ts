/** Keys of the table, each a byte a character, in the order in which they stand in the file: a tag, then numbers of 6 bytes,
 *  big-endian so that they sort, or text in UTF-8. */
export const TAG = {
  stream: 1,
  record: 2,
  writer: 3,
  openWriter: 4,
  key: 5,
  expiry: 6,
  numbers: 7,
  /** The last batch of the journal that LMDB holds. */
  applied: 8,
} as const;

export const MAX_NUMBER = 2 ** 48 - 1;

export function tagged(tag: number, text = ""): string {
  return String.fromCharCode(tag) + latin1(text);
}

export function numbered(tag: number, number: number): string {
  return String.fromCharCode(tag) + sixBytes(number);
}

export function recordKey(number: number, offset: number): string {
  return String.fromCharCode(TAG.record) + sixBytes(number) + sixBytes(offset);
}

/** The offset that a record's key ends with. */
export function recordOffset(key: string): number {
  let offset = 0;
  for (let index = 7; index < 13; index++) offset = offset * 256 + key.charCodeAt(index);
  return offset;
}

/** A writer's key, under its stream's number. */
export function writerKey(tag: number, number: number, id: string): string {
  return numbered(tag, number) + latin1(id);
}

export function expiryKey(at: number, of: string, id: string): string {
  return numbered(TAG.expiry, at) + latin1(`${of} ${id}`);
}

/** The end of all keys that begin with `prefix`. */
export function endOf(prefix: string): string {
  return `${prefix}\xff`;
}

function sixBytes(number: number): string {
  if (number < 0x1000000)
    return `\0\0\0${String.fromCharCode(number >> 16, (number >> 8) & 0xff, number & 0xff)}`;
  const high = Math.floor(number / 0x1000000);
  const low = number % 0x1000000;
  return String.fromCharCode(
    (high >> 16) & 0xff,
    (high >> 8) & 0xff,
    high & 0xff,
    (low >> 16) & 0xff,
    (low >> 8) & 0xff,
    low & 0xff,
  );
}

const NOT_ASCII = /[^\x20-\x7e]/;

function latin1(text: string): string {
  return NOT_ASCII.test(text) ? Buffer.from(text).toString("latin1") : text;
}
