import type { Connection } from "./connection.ts";
import type { HubCounts, LeaveReason, ReaderGone, ReaderLook } from "./look.ts";
import { Roll } from "./roll.ts";

/** A reader that comes. */
export interface ReaderArrival {
  began: ReaderLook["began"];
  /** The id of the request that it came with, for who looks. */
  request?: string | undefined;
  /** The principal that reads, for who looks. */
  who?: string | undefined;
  onGone?: (() => void) | undefined;
}

/** A reader, for whoever may have to end it from outside. */
export interface OpenReader {
  /** Says this, whole blocks, and ends the connection: the reader comes back with its cursor. */
  close(blocks: string): void;
}

export interface ReadersOptions {
  /** Silence after which a reader gets a `ping`, in milliseconds. Default 15,000. */
  heartbeatMs?: number;
  /** Age at which a connection is closed so that its reader comes back, in milliseconds, ± 20 %. Default 600,000. */
  maxAgeMs?: number;
  /** How long a reader may take nothing before it is cut, or wait for the log before it is told to come again, in milliseconds. Default 30,000. */
  stallMs?: number;
  /** What a reader is told to wait before it reconnects, in milliseconds, ± 30 %. Default 2,000. */
  retryMs?: number;
  /** Default `Math.random`. */
  random?: () => number;
}

/** The clock looks at a part of the readers each time, so that their pings are spread. */
const LOOKS_PER_HEARTBEAT = 60;
const DRAIN_STEP_MS = 50;
const DRAIN_RETRY_MS = 500;

/** All readers of a hub, whatever they read: counted from when they come until they leave, looked at by a clock, and ended. */
export class Readers {
  readonly #heartbeatMs: number;
  readonly #maxAgeMs: number;
  readonly #stallMs: number;
  readonly #retryMs: number;
  readonly #random: () => number;
  /** By the part of the heartbeat in which they are looked at. */
  readonly #slots = Array.from({ length: LOOKS_PER_HEARTBEAT }, () => new Set<Connection>());
  readonly #roll = new Roll();
  readonly #clock: ReturnType<typeof setInterval>;
  #count = 0;
  #turn = 0;
  #isClosed = false;

  constructor({
    heartbeatMs = 15_000,
    maxAgeMs = 600_000,
    stallMs = 30_000,
    retryMs = 2_000,
    random = Math.random,
  }: ReadersOptions) {
    this.#heartbeatMs = heartbeatMs;
    this.#maxAgeMs = maxAgeMs;
    this.#stallMs = stallMs;
    this.#retryMs = retryMs;
    this.#random = random;
    this.#clock = setInterval(() => this.#lookAround(), heartbeatMs / LOOKS_PER_HEARTBEAT);
    if (typeof this.#clock === "object") this.#clock.unref();
  }

  /** Counts a reader in, and out when it leaves. */
  enlist<Kind extends Connection>(
    make: (looksLeft: number, onLeave: () => void) => Kind,
    { onGone, request, who, began }: ReaderArrival,
  ): Kind {
    const slot = this.#slots[Math.floor(this.#random() * LOOKS_PER_HEARTBEAT)] ?? new Set<Connection>();
    const looks = Math.ceil((this.#maxAgeMs * (0.8 + 0.4 * this.#random())) / this.#heartbeatMs);
    const connection = make(looks, () => {
      this.#count -= 1;
      this.#roll.leave(connection);
      slot.delete(connection);
      onGone?.();
    });
    this.#count += 1;
    this.#roll.enter(connection, { request, who, began });
    slot.add(connection);
    return connection;
  }

  /** Whether no more are taken. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  get count(): number {
    return this.#count;
  }

  /** How many of them have not got everything that there is. Looks at each. */
  get behind(): number {
    let behind = 0;
    for (const slot of this.#slots) for (const { isLive } of slot) if (!isLive) behind += 1;
    return behind;
  }

  look(): ReaderLook[] {
    return this.#roll.look();
  }

  gone(): ReaderGone[] {
    return this.#roll.gone();
  }

  get counts(): HubCounts {
    return this.#roll.counts;
  }

  cut(id: number): boolean {
    const connection = this.#roll.find(id);
    if (connection !== undefined) dismiss(connection, "cut");
    return connection !== undefined;
  }

  /** What the next reader is told to wait before it reconnects, in milliseconds: another for each, so that a crowd does not come back at once. */
  retry(): number {
    return Math.round(this.#retryMs * (0.7 + 0.6 * this.#random()));
  }

  async drain(windowMs: number): Promise<void> {
    // Who is on the way is not taken in any more.
    this.#isClosed = true;
    const endsAt = performance.now() + windowMs;
    for (let left = windowMs; left > 0; left = endsAt - performance.now()) {
      if (this.#count === 0) return;
      await new Promise((resolve) => setTimeout(resolve, Math.min(DRAIN_STEP_MS, left)));
      const share = Math.min(1, DRAIN_STEP_MS / Math.max(left, DRAIN_STEP_MS));
      let due = Math.ceil(this.#count * share);
      for (const slot of this.#slots) {
        for (const connection of slot) {
          if (due-- <= 0) break;
          // Soon: they are spread already.
          connection.say(`retry: ${Math.round(DRAIN_RETRY_MS * (0.5 + this.#random()))}\n\n`);
          dismiss(connection, "drained");
        }
      }
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#clock);
    for (const slot of this.#slots) {
      for (const connection of slot) {
        connection.say(`retry: ${Math.round(this.#retryMs * (1 + 3 * this.#random()))}\n\n`);
        dismiss(connection, "drained");
      }
    }
  }

  #lookAround(): void {
    this.#turn = (this.#turn + 1) % LOOKS_PER_HEARTBEAT;
    for (const connection of this.#slots[this.#turn] ?? []) {
      connection.looksLeft -= 1;
      // The first look may come at once after the last write.
      if ((connection.countStall() - 1) * this.#heartbeatMs >= this.#stallMs) dismiss(connection, "stalled");
      else if (connection.countWait() * this.#heartbeatMs >= this.#stallMs) {
        connection.say(`retry: ${this.retry()}\n\n`);
        dismiss(connection, "unanswered");
      } else if (!connection.isLive) continue;
      else if (connection.looksLeft <= 0) dismiss(connection, "aged");
      else if (connection.isFresh) connection.isFresh = false;
      else {
        connection.ping();
        connection.isFresh = false;
      }
    }
  }
}

function dismiss(connection: Connection, why: LeaveReason): void {
  connection.why = why;
  if (why === "stalled" || why === "cut") connection.destroy();
  else connection.end();
}

/** A reader for who may have to end it: what it was let in with may end. */
export function closerOf(connection: Connection): OpenReader {
  return {
    close(blocks) {
      connection.why = "expired";
      connection.say(blocks);
      connection.end();
    },
  };
}
