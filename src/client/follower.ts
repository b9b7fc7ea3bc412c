import type { ResetReason } from "../protocol/cursor.ts";
import type { Delivery, FollowOptions } from "./delivery.ts";
import { StreamError } from "./error.ts";
import { readPages } from "./page.ts";
import type { Page } from "./page.ts";
import { epochOf, isAhead, offsetOf, spanOf, take } from "./position.ts";
import type { Position } from "./position.ts";
import type { Api } from "./request.ts";

/** How many deliveries wait for the end of a repair; beyond it they are dropped, and read as pages. */
const MAX_HELD = 1_000;

/** One reader of a stream with a cursor of its own, whoever hears the connection: what it has is dropped, and before what it
 *  cannot join to its own it reads JSON pages after its own cursor. So nothing depends on a delivery having come. */
export class Follower {
  readonly stream: string;
  readonly #position: Position;
  readonly #api: Api;
  readonly #onDelivery: (delivery: Delivery) => void;
  #state: "live" | "behind" | "reading" | "ended" = "live";
  #held: { delivery: Delivery; at: string | undefined }[] = [];
  #abort = new AbortController();

  constructor(stream: string, { after, kind, onDelivery }: FollowOptions, api: Api) {
    this.stream = stream;
    this.#position = { kind, cursor: after };
    this.#api = api;
    this.#onDelivery = onDelivery;
  }

  get cursor(): string | undefined {
    return this.#position.cursor;
  }

  get isEnded(): boolean {
    return this.#state === "ended";
  }

  /** A repair has failed: the next delivery, or who calls `catchUp`, begins another. */
  get isBehind(): boolean {
    return this.#state === "behind";
  }

  /** Names the cursor at which a connection begins to read for a follower that has none. */
  start(from: string | undefined): void {
    this.#position.cursor ??= from;
  }

  /** Takes what a connection brought. `at`: the cursor at which the stream then stands there. */
  receive(delivery: Delivery, at: string | undefined): void {
    if (this.#state === "ended") return;
    if (delivery.type === "reset") this.#reset(delivery);
    else if (this.#state === "reading") this.#hold(delivery, at);
    else if (this.#state === "behind" || !this.#joins(delivery, at)) {
      this.#hold(delivery, at);
      void this.catchUp();
    } else this.#apply(delivery);
  }

  /** Reads pages after its own cursor until the head, then what was held. Resolves when it has caught up, failed or ended.
   *  Errors: none but those of `onDelivery`. */
  async catchUp(): Promise<void> {
    if (this.#state === "ended" || this.#state === "reading") return;
    this.#state = "reading";
    const abort = (this.#abort = new AbortController());
    const heldBefore = this.#held.length;
    try {
      const outcome = await readPages(this.#api, this.stream, this.cursor, abort.signal, (page) =>
        this.#applyPage(page),
      );
      if (abort.signal.aborted) return;
      this.#finish(outcome, heldBefore);
    } catch (error) {
      if (abort.signal.aborted) return;
      // The stream waits where it was: nothing was passed over, and the next sign of life begins again.
      this.#state = "behind";
      this.#held = [];
      if (!(error instanceof StreamError)) throw error;
    }
  }

  close(): void {
    this.#state = "ended";
    this.#held = [];
    this.#abort.abort();
  }

  #joins(delivery: Delivery, at: string | undefined): boolean {
    const { cursor } = this;
    // Of another epoch: a link of the chain, or another stream of the same name. Only the server can tell.
    if (cursor !== undefined && at !== undefined && epochOf(cursor) !== epochOf(at)) return false;
    if (delivery.type !== "event") return !isAhead(at, cursor);
    const span = spanOf(this.#position.kind, delivery.event);
    const verdict = take(this.#position, { cursor: delivery.cursor, span });
    return verdict === "next" || verdict === "known";
  }

  #apply(delivery: Delivery): void {
    if (delivery.type === "event") {
      if (!isAhead(delivery.cursor, this.cursor)) return;
      this.#position.cursor = delivery.cursor;
    }
    if (delivery.type === "end") this.close();
    this.#onDelivery(delivery);
  }

  #reset(delivery: { type: "reset"; reason: ResetReason; from?: string }): void {
    this.#abort.abort();
    this.#held = [];
    this.#state = "live";
    this.#position.cursor = delivery.from;
    this.#onDelivery(delivery);
  }

  #hold(delivery: Delivery, at: string | undefined): void {
    if (this.#held.length < MAX_HELD) this.#held.push({ delivery, at });
    else this.#held.length = MAX_HELD - 1;
  }

  #applyPage(page: Page): void {
    if (page.reset !== undefined) {
      this.#position.cursor = undefined;
      this.#onDelivery({ type: "reset", reason: page.reset });
    }
    for (const { cursor, event } of page.events) {
      if (this.isEnded) return;
      this.#apply({ type: "event", cursor, event, isReplay: true });
    }
    if (page.isLast) this.#position.cursor = page.head;
  }

  #finish(outcome: "caught-up" | "closed" | "missing", heldBefore: number): void {
    if (this.isEnded) return;
    this.#state = "live";
    const had = (offsetOf(this.cursor) ?? 0) > 0;
    const isGone = outcome === "missing" && had;
    const { cursor } = this;
    if (!isGone) this.#onDelivery({ type: "caught-up", ...(cursor !== undefined && { cursor }) });
    if (this.isEnded) return;
    if (outcome === "closed" || isGone) {
      this.#apply({ type: "end", reason: isGone ? "deleted" : "closed" });
      return;
    }
    const held = this.#held;
    this.#held = [];
    held.forEach(({ delivery, at }, index) => {
      // What came before the pages were read and still does not join is nothing that the server knows: it must not be asked
      // for ever.
      if (index >= heldBefore || this.#joins(delivery, at)) this.receive(delivery, at);
    });
  }
}
