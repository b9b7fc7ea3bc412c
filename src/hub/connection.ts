import type { Bundle } from "./bundle.ts";
import { encodeBundle } from "./bundle.ts";
import type { Listener } from "./audience.ts";
import type { LeaveReason, StreamLook, Transport } from "./look.ts";
import type { Sink, SinkListener } from "./sink.ts";

/** What a reader may have in user space, beside one event: a piece while it is healthy, and while it is slow. */
const PIECE_BYTES = 49_152;
const SLOW_PIECE_BYTES = 16_384;

/** Where one reader's bytes go, and how it takes them. What is read to it, its kinds say: a `Subscription` reads one stream,
 *  a `MultiSubscription` several. There is no queue: who is behind is read to again once its sink has drained. */
export abstract class Connection implements SinkListener, Listener {
  /** Whether something was written since the last look: then no ping is needed. */
  isFresh = true;
  /** Looks of the clock until it is closed, so that readers rebalance and rights are checked again. */
  looksLeft: number;
  /** Bytes of what was there before it came. */
  replayedBytes = 0;
  /** When it first had all of that, in Unix milliseconds. */
  caughtUpAt: number | undefined;
  /** Why it has gone, where somebody made it go. */
  why: LeaveReason | undefined;
  protected state: "opening" | "open" | "reading" | "blocked" | "gone" = "opening";
  protected isSlow = false;
  readonly #sink: Sink;
  readonly #onGone: () => void;
  #stalledBytes = 0;
  #stalledLooks = 0;
  #waitedLooks = 0;

  constructor(sink: Sink, looksLeft: number, onGone: () => void) {
    this.#sink = sink;
    this.looksLeft = looksLeft;
    this.#onGone = onGone;
  }

  /** Writes what there is, until it is at the head, blocked, or waits for the log. */
  abstract pump(): void;
  /** Says where it stands after a silence. */
  abstract ping(): void;
  /** Whether it has everything that there is. */
  abstract readonly isLive: boolean;
  /** Where it stands in each of its streams. */
  abstract look(): StreamLook[];
  /** Leaves the channels it reads. */
  protected abstract leave(): void;

  /** Begins to hear its sink. Only once it stands in its channels: the reader may be gone already. */
  begin(): void {
    if (this.state !== "opening") return;
    this.state = "open";
    this.#sink.attach(this);
  }

  /** Writes blocks of the connection itself. */
  say(text: string): void {
    if (text !== "" && this.state !== "gone") this.write(encodeBundle(text));
  }

  /** Writes what is not in the log. Who is blocked or behind loses it: what waits for such a reader are events alone. */
  tell(bundle: Bundle): void {
    if (this.state === "open") this.write(bundle);
  }

  /** Whether it takes nothing at this moment. */
  get isBlocked(): boolean {
    return this.state === "blocked";
  }

  get transport(): Transport {
    return this.#sink.transport ?? "web";
  }

  get sent(): number {
    return this.#sink.sent ?? 0;
  }

  get buffered(): number {
    return this.#sink.buffered;
  }

  /** Ends the body; the reader comes back, or was told that it need not. */
  end(): void {
    if (this.state === "gone") return;
    this.#depart();
    this.#sink.end();
  }

  /** Cuts a reader that cannot be served: it comes back with its cursor. */
  destroy(): void {
    if (this.state === "gone") return;
    this.#depart();
    this.#sink.destroy();
  }

  /** Counts a look of the clock at a reader that takes nothing. Returns for how many looks it has not moved. */
  countStall(): number {
    if (this.state !== "blocked") return 0;
    const bytes = this.#sink.buffered;
    this.#stalledLooks = bytes === this.#stalledBytes ? this.#stalledLooks + 1 : 0;
    this.#stalledBytes = bytes;
    return this.#stalledLooks;
  }

  /** Counts a look of the clock at a reader that waits for the log. Returns for how many looks it was told nothing. */
  countWait(): number {
    const isWaiting = (this.state === "reading" || this.state === "opening") && !this.isLive;
    this.#waitedLooks = isWaiting && !this.isFresh ? this.#waitedLooks + 1 : 0;
    if (isWaiting) this.isFresh = false;
    return this.#waitedLooks;
  }

  onDrain(): void {
    if (this.state !== "blocked") return;
    this.state = "open";
    this.#stalledLooks = 0;
    this.pump();
  }

  onClose(): void {
    if (this.state !== "gone") this.#depart();
  }

  /** How much may be written at once. */
  protected get pieceBytes(): number {
    return this.isSlow ? SLOW_PIECE_BYTES : PIECE_BYTES;
  }

  protected write(bundle: Bundle): void {
    this.isFresh = true;
    if (this.#sink.write(bundle) || this.state !== "open") return;
    this.state = "blocked";
    this.isSlow = true;
    this.#stalledBytes = this.#sink.buffered;
  }

  #depart(): void {
    this.state = "gone";
    this.leave();
    this.#onGone();
  }
}
