import { Connection } from "./connection.ts";
import { lookAt } from "./member.ts";
import type { StreamLook } from "./look.ts";
import type { Page } from "./pages.ts";
import type { Reader, Source } from "./reader.ts";
import type { Sink } from "./sink.ts";

/** A reader of one stream: a cursor over its channel. Replay, live and slow are one loop: from the cursor to the head,
 *  write, wait. */
export class Subscription extends Connection implements Reader {
  offset: number;
  index = -1;
  readonly #channel: Source;
  readonly #from: number;
  #isCaughtUp = false;

  constructor(channel: Source, sink: Sink, after: number, looksLeft: number, onGone: () => void) {
    super(sink, looksLeft, onGone);
    this.#channel = channel;
    this.#from = after;
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
        channel.readFor(this, { maxLength: limit });
        return;
      }
      this.offset = piece.last;
      if (!this.#isCaughtUp) this.replayedBytes += piece.bundle.length;
      this.write(piece.bundle);
    }
  }

  takePage({ bundles, last, whole }: Page): void {
    if (!this.#endReading(last)) return;
    if (bundles.length > 0) {
      const bundle = whole();
      this.replayedBytes += bundle.length;
      this.write(bundle);
    }
    this.pump();
  }

  takeReset(block: string, start: number): void {
    if (!this.#endReading(start)) return;
    this.say(block);
    this.pump();
  }

  onDeleted(): void {
    this.why = "ended";
    this.say(this.#channel.endText("deleted"));
    this.end();
  }

  ping(): void {
    if (this.state === "gone") return;
    // Who has read elsewhere what its channel has not heard of keeps its own place.
    if (this.offset === this.#channel.head) this.write(this.#channel.pingBundle());
    else this.say(this.#channel.pingText(this.#channel.cursorText(this.offset)));
  }

  get isLive(): boolean {
    return this.state === "open" && this.#isCaughtUp && this.offset >= this.#channel.head;
  }

  look(): StreamLook[] {
    return [lookAt(this.#channel, this.#from, this.offset)];
  }

  get isReading(): boolean {
    return this.state === "reading";
  }

  /** Whether it still waits for the log: then it goes on after `last`. */
  #endReading(last: number): boolean {
    if (this.state !== "reading") return false;
    this.state = "open";
    this.offset = last;
    return true;
  }

  #arrive(): void {
    this.isSlow = false;
    if (!this.#isCaughtUp) {
      this.#isCaughtUp = true;
      this.caughtUpAt = Date.now();
      this.say(this.#channel.caughtUpText(this.offset));
    }
    if (this.#channel.isClosed) {
      this.why = "ended";
      this.say(this.#channel.endText("closed"));
      this.end();
    }
  }

  protected leave(): void {
    this.#channel.remove(this);
  }
}
