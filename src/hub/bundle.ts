/** Bytes that many readers get, made once: as they are, and as a chunk of HTTP/1.1 for who writes to the socket itself.
 *  Nobody changes them. */
export interface Bundle {
  payload: Uint8Array;
  /** The payload with chunk head and end around it, in the same memory. */
  chunk: Uint8Array;
}

const CR = 13;
const LF = 10;
/** Up to eight digits of hex, CR, LF. */
const HEAD_ROOM = 10;
const encoder = new TextEncoder();

/** Joins frames into one bundle. */
export function makeBundle(frames: readonly Uint8Array[]): Bundle {
  let length = 0;
  for (const frame of frames) length += frame.length;
  const bytes = new Uint8Array(HEAD_ROOM + length + 2);
  let at = HEAD_ROOM;
  for (const frame of frames) {
    bytes.set(frame, at);
    at += frame.length;
  }
  bytes[at] = CR;
  bytes[at + 1] = LF;
  // [RFC 9112 7.1] chunk-size in hex, written just before the payload.
  const size = encoder.encode(`${length.toString(16)}\r\n`);
  bytes.set(size, HEAD_ROOM - size.length);
  return { payload: bytes.subarray(HEAD_ROOM, at), chunk: bytes.subarray(HEAD_ROOM - size.length) };
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}
