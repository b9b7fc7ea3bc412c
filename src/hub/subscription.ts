import { Connection } from "./connection.ts";
import type { Reader, Source } from "./reader.ts";
import type { Sink } from "./sink.ts";

/** A reader of one stream: a cursor over its channel. Replay, live and slow are one loop: from the cursor to the head,
 *  write, wait. */
export class Subscription extends Connection implements Reader {
  offset: number;
  index = -1;
  readonly #channel: Source;
  #isCaughtUp = false;

  constructor(channel: Source, sink: Sink, after: number, looksLeft: number, onGone: () => void) {
    super(sink, looksLeft, onGone);
    this.#channel = channel;
    this.offset = after;
  }

  pump(): void {
    while (this.state === "open") {
      const channel = this.#channel;
      if (this.offset >= channel.head) {
        this.#arrive();
        return;
      }
      const limit = this.pieceBytes;
      const piece = channel.pieceAfter(this.offset, limit);
      if (piece === undefined) {
        this.state = "reading";
        void channel.readFor(this, { maxLength: limit });
        return;
      }
      this.offset = piece.last;
      this.write(piece.bundle);
    }
  }

  takePage(frames: readonly string[], last: number): void {
    this.#take(frames.join(""), last);
  }

  takeReset(block: string, start: number): void {
    this.#take(block, start);
  }

  onDeleted(): void {
    this.say(this.#channel.endText("deleted"));
    this.end();
  }

  ping(): void {
    if (this.state !== "gone") this.write(this.#channel.pingBundle());
  }

  get isLive(): boolean {
    return this.state === "open" && this.#isCaughtUp && this.offset >= this.#channel.head;
  }

  get isReading(): boolean {
    return this.state === "reading";
  }

  #take(text: string, last: number): void {
    if (this.state !== "reading") return;
    this.state = "open";
    this.offset = last;
    this.say(text);
    this.pump();
  }

  #arrive(): void {
    this.isSlow = false;
    if (!this.#isCaughtUp) {
      this.#isCaughtUp = true;
      this.say(this.#channel.caughtUpText(this.offset));
    }
    if (this.#channel.isClosed) {
      this.say(this.#channel.endText("closed"));
      this.end();
    }
  }

  protected leave(): void {
    this.#channel.remove(this);
  }
}
