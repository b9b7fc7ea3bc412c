import type { Bundle } from "./bundle.ts";
import { encodeText, makeBundle } from "./bundle.ts";
import type { Sink, SinkListener } from "./sink.ts";

/** What a reader may have in user space, beside one event: a piece while it is healthy, and while it is slow. */
const PIECE_BYTES = 49_152;
const SLOW_PIECE_BYTES = 16_384;

/** What a reader reads from: a channel. */
export interface Source {
  /** The last offset that can be given to readers. */
  readonly head: number;
  /** Whether nothing comes after the head. */
  readonly isClosed: boolean;
  /** What follows `after`, in bytes shared with the other readers. Undefined: only the log has it. */
  pieceAfter(after: number, limit: number): { last: number; bundle: Bundle } | undefined;
  /** Reads from the log; answers by `takePage`. */
  readFor(subscription: Subscription, maxLength: number): Promise<void>;
  caughtUpText(offset: number): string;
  endText(reason: "closed"): string;
  remove(subscription: Subscription): void;
}

/** One reader: a cursor over a channel, and where its bytes go. Replay, live and slow are one loop: from the cursor to the
 *  head, write, wait. There is no queue, so nothing to overflow. */
export class Subscription implements SinkListener {
  /** The last event that was written. */
  offset: number;
  /** Whether something was written since the last look: then no ping is needed. */
  isFresh = true;
  /** Looks of the clock until it is closed, so that readers rebalance and rights are checked again. */
  looksLeft: number;
  /** Its place in the channel's list. */
  index = -1;
  readonly #channel: Source;
  readonly #sink: Sink;
  readonly #onGone: () => void;
  #state: "open" | "reading" | "blocked" | "gone" = "open";
  #isCaughtUp = false;
  #isSlow = false;
  #stalledBytes = 0;
  #stalledLooks = 0;

  constructor(channel: Source, sink: Sink, after: number, looksLeft: number, onGone: () => void) {
    this.#channel = channel;
    this.#sink = sink;
    this.offset = after;
    this.looksLeft = looksLeft;
    this.#onGone = onGone;
  }

  /** Begins to hear its sink. Only once it stands in its channel: the reader may be gone already. */
  begin(): void {
    this.#sink.attach(this);
  }

  /** Writes what there is, until it is at the head, blocked, or waits for the log. */
  pump(): void {
    while (this.#state === "open") {
      const channel = this.#channel;
      if (this.offset >= channel.head) {
        this.#arrive();
        return;
      }
      const limit = this.#isSlow ? SLOW_PIECE_BYTES : PIECE_BYTES;
      const piece = channel.pieceAfter(this.offset, limit);
      if (piece === undefined) {
        this.#state = "reading";
        void channel.readFor(this, limit);
        return;
      }
      this.offset = piece.last;
      this.#write(piece.bundle);
    }
  }

  /** Takes what the log gave to a reader that is behind the ring. */
  takePage(text: string, last: number): void {
    if (this.#state !== "reading") return;
    this.#state = "open";
    this.offset = last;
    if (text !== "") this.#write(makeBundle([encodeText(text)]));
    this.pump();
  }

  /** Writes blocks of the connection itself. */
  say(text: string): void {
    if (text !== "" && this.#state !== "gone") this.#write(makeBundle([encodeText(text)]));
  }

  sayShared(bundle: Bundle): void {
    if (this.#state !== "gone") this.#write(bundle);
  }

  /** Ends the body; the reader comes back, or was told that it need not. */
  end(): void {
    if (this.#state === "gone") return;
    this.#leave();
    this.#sink.end();
  }

  /** Cuts a reader that cannot be served: it comes back with its cursor. */
  destroy(): void {
    if (this.#state === "gone") return;
    this.#leave();
    this.#sink.destroy();
  }

  get isLive(): boolean {
    return this.#state === "open" && this.#isCaughtUp && this.offset >= this.#channel.head;
  }

  get isReading(): boolean {
    return this.#state === "reading";
  }

  /** Counts a look of the clock at a reader that takes nothing. Returns for how many looks it has not moved. */
  countStall(): number {
    if (this.#state !== "blocked") return 0;
    const bytes = this.#sink.buffered;
    this.#stalledLooks = bytes === this.#stalledBytes ? this.#stalledLooks + 1 : 0;
    this.#stalledBytes = bytes;
    return this.#stalledLooks;
  }

  onDrain(): void {
    if (this.#state !== "blocked") return;
    this.#state = "open";
    this.#stalledLooks = 0;
    this.pump();
  }

  onClose(): void {
    if (this.#state !== "gone") this.#leave();
  }

  #arrive(): void {
    this.#isSlow = false;
    if (!this.#isCaughtUp) {
      this.#isCaughtUp = true;
      this.say(this.#channel.caughtUpText(this.offset));
    }
    if (this.#channel.isClosed) {
      this.say(this.#channel.endText("closed"));
      this.end();
    }
  }

  #write(bundle: Bundle): void {
    this.isFresh = true;
    if (this.#sink.write(bundle) || this.#state !== "open") return;
    this.#state = "blocked";
    this.#isSlow = true;
    this.#stalledBytes = this.#sink.buffered;
  }

  #leave(): void {
    this.#state = "gone";
    this.#channel.remove(this);
    this.#onGone();
  }
}
