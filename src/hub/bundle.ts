/** Bytes that many readers get, made once: as they are, and as a chunk of HTTP/1.1 for who writes to the socket itself. Both are
 *  parts of the same memory, and nobody changes them. */
export class Bundle {
  readonly #memory: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #head: number;
  #payload: Uint8Array | undefined;
  #chunk: Uint8Array | undefined;

  /** The payload stands from `start` to `end`; the chunk's head is written right before it, and its end behind it. */
  constructor(memory: Uint8Array, start: number, end: number) {
    this.#memory = memory;
    this.#start = start;
    this.#end = end;
    memory[end] = CR;
    memory[end + 1] = LF;
    this.#head = writeHead(memory, start, end - start);
  }

  get length(): number {
    return this.#end - this.#start;
  }

  get payload(): Uint8Array {
    return (this.#payload ??= this.#memory.subarray(this.#start, this.#end));
  }

  /** The payload with chunk head and end around it. */
  get chunk(): Uint8Array {
    return (this.#chunk ??= this.#memory.subarray(this.#head, this.#end + END_ROOM));
  }
}

const CR = 13;
const LF = 10;
/** Up to eight digits of hex, CR, LF. */
const HEAD_ROOM = 10;
const END_ROOM = 2;
/** Small bundles share memory: one of its own costs more than what is in it. */
const POOL_BYTES = 16_384;
const MAX_POOLED = 2_048;
const encoder = new TextEncoder();
let pool = new Uint8Array(POOL_BYTES);
let used = 0;

/** Encodes text as one bundle. */
export function encodeBundle(text: string): Bundle {
  // A UTF-16 code unit takes at most three bytes.
  const most = HEAD_ROOM + text.length * 3 + END_ROOM;
  if (most > MAX_POOLED) return joinBytes([encoder.encode(text)]);
  if (used + most > POOL_BYTES) {
    pool = new Uint8Array(POOL_BYTES);
    used = 0;
  }
  const start = used + HEAD_ROOM;
  const { written } = encoder.encodeInto(text, pool.subarray(start));
  const end = start + written;
  used = end + END_ROOM;
  return new Bundle(pool, start, end);
}

/** Several bundles as one. */
export function joinBundles(bundles: readonly Bundle[]): Bundle {
  const [first] = bundles;
  return first !== undefined && bundles.length === 1
    ? first
    : joinBytes(bundles.map(({ payload }) => payload));
}

/** Bytes as one bundle. */
export function joinBytes(pieces: readonly Uint8Array[]): Bundle {
  let length = 0;
  for (const piece of pieces) length += piece.length;
  const memory = new Uint8Array(HEAD_ROOM + length + END_ROOM);
  let at = HEAD_ROOM;
  for (const piece of pieces) {
    memory.set(piece, at);
    at += piece.length;
  }
  return new Bundle(memory, HEAD_ROOM, at);
}

export function encodeText(text: string): Uint8Array {
  return encoder.encode(text);
}

/** [RFC 9112 7.1] chunk-size in hex and CRLF, right before `end`. Returns where it begins. */
function writeHead(memory: Uint8Array, end: number, length: number): number {
  let at = end - 2;
  memory[at] = CR;
  memory[at + 1] = LF;
  for (let rest = length; ; rest >>>= 4) {
    const digit = rest & 15;
    // 0 to 9, a to f.
    memory[--at] = digit < 10 ? 48 + digit : 87 + digit;
    if (rest < 16) return at;
  }
}
