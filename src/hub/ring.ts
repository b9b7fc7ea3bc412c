import type { Bundle } from "./bundle.ts";
import type { Frame } from "./pages.ts";

/** Frames that are kept: these, and more where a crowd would have to be read to from the log. */
const MIN_FRAMES = 512;
const MAX_FRAMES = 8_192;
const FRAMES_PER_READER = 16;
const MAX_BYTES = 1_048_576;

/** The frames of a stream's last events, encoded once for all its readers. */
export class Ring {
  #frames: Frame[] = [];
  /** Index of the first frame that still counts: cheaper than moving all the others. */
  #start = 0;
  #bytes = 0;
  /** The offset before its first frame: a cursor here or later can be served from it. */
  #floor: number;

  constructor(floor: number) {
    this.#floor = floor;
  }

  push(offset: number, bundle: Bundle, readers: number): void {
    const maxFrames = Math.min(MAX_FRAMES, Math.max(MIN_FRAMES, readers * FRAMES_PER_READER));
    this.#frames.push({ offset, bundle });
    this.#bytes += bundle.length;
    while (this.#frames.length - this.#start > maxFrames || this.#bytes > MAX_BYTES) {
      const dropped = this.#frames[this.#start];
      if (dropped === undefined) break;
      this.#start += 1;
      this.#bytes -= dropped.bundle.length;
      this.#floor = dropped.offset;
    }
    if (this.#start > maxFrames) {
      this.#frames = this.#frames.slice(this.#start);
      this.#start = 0;
    }
  }

  /** Whether what follows `offset` is here. */
  covers(offset: number): boolean {
    return offset >= this.#floor;
  }

  /** The frames after `offset` up to `head`, about `maxBytes` of them (one at least), and the offset of the last. Each counts with
   *  `lead` bytes that its reader writes before it. */
  after(offset: number, head: number, maxBytes: number, lead = 0): { bundles: Bundle[]; last: number } {
    const bundles: Bundle[] = [];
    let last = offset;
    let bytes = 0;
    for (let index = this.#indexAfter(offset); index < this.#frames.length; index++) {
      const frame = this.#frames[index];
      if (frame === undefined || frame.offset > head) break;
      if (bytes > 0 && bytes + lead + frame.bundle.length > maxBytes) break;
      bundles.push(frame.bundle);
      bytes += lead + frame.bundle.length;
      last = frame.offset;
    }
    return { bundles, last };
  }

  #indexAfter(offset: number): number {
    let low = this.#start;
    let high = this.#frames.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#frames[middle]?.offset ?? Infinity) <= offset) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
