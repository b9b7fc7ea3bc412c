import { MARK_LENGTH, TILDE, nowMicros, readDigits } from "./event.mjs";

const LETTER_T = 84;

/** Finds the marks of events in bytes, whatever is around them, also where a mark comes in two pieces. */
export class MarkScanner {
  /** Milliseconds from when an event was made to when it was read. */
  latencies = [];
  #carry = Buffer.alloc(0);

  take(piece) {
    const bytes = this.#carry.length === 0 ? piece : Buffer.concat([this.#carry, piece]);
    const now = nowMicros();
    let done = 0;
    for (let at = bytes.indexOf(TILDE); at !== -1; at = bytes.indexOf(TILDE, at + 1)) {
      done = at;
      if (at + MARK_LENGTH > bytes.length) break;
      // 126 is also how the length of a WebSocket's frame may begin.
      if (bytes[at + 1] !== LETTER_T) continue;
      this.latencies.push((now - readDigits(bytes, at + 2, 16)) / 1000);
      done = at + MARK_LENGTH;
    }
    this.#carry = Buffer.from(bytes.subarray(Math.max(done, bytes.length - MARK_LENGTH)));
  }
}
