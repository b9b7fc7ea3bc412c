import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";

export interface RequestLimits {
  /** Connections at a time. */
  max: number;
  /** In milliseconds. */
  headMs: number;
  bodyMs: number;
}

/** Who is late is cut so many at a time. One costs 60 µs; thousands may be late at once, and come back as soon as they are cut. */
const CUT_AT_ONCE = 10;
const CUT_EVERY_MS = 5;
const LOOK_EVERY_MS = 50;
/** From so much of the limit on, who has no whole head gives way to who comes: a head has that time then. */
const CROWDED = 0.9;
const CROWDED_HEAD_MS = 1_000;

/** Cuts whose request does not come in time, the one that has waited longest first. Node's own timeouts go through all connections at each
 *  look, and cut all that are late in one turn; here those who wait stand in a row, and a look is one at its first. */
export class LateRequests {
  readonly #limits: RequestLimits;
  readonly #cut: (socket: Socket) => void;
  /** Since when: the oldest first. */
  readonly #heads = new Map<Socket, number>();
  readonly #bodies = new Map<IncomingMessage, number>();
  readonly #answers: WeakMap<Duplex, ServerResponse>;
  // One listener for all: closures for each connection and each request are memory.
  readonly #onBody = listener((request: IncomingMessage) => this.#bodies.delete(request));
  readonly #onAnswered = listener((response: ServerResponse) => {
    const { socket } = response.req;
    // The next one may begin; of pipelined requests the last counts.
    if (this.#answers.get(socket) === response && !socket.destroyed) this.#expectHead(socket);
  });
  readonly #onGone = listener((socket: Socket) => {
    this.#open -= 1;
    this.#heads.delete(socket);
  });
  #open = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** Watches over a server's requests, which has no timeouts of its own. Shape: `answers` is the last answer on each connection. */
  constructor(
    server: Server,
    limits: RequestLimits,
    answers: WeakMap<Duplex, ServerResponse>,
    cut: (socket: Socket) => void,
  ) {
    this.#limits = limits;
    this.#cut = cut;
    this.#answers = answers;
    server.on("connection", (socket) => this.#onConnection(socket));
    server.once("close", () => clearTimeout(this.#timer));
  }

  /** A head is whole. */
  onRequest(request: IncomingMessage, response: ServerResponse): void {
    const { socket, headers } = request;
    this.#heads.delete(socket);
    if (headers["transfer-encoding"] !== undefined || Number(headers["content-length"] ?? 0) > 0) {
      this.#bodies.set(request, performance.now());
      this.#timer ??= this.#lookIn(LOOK_EVERY_MS);
      request.on("end", this.#onBody).on("close", this.#onBody);
    }
    response.on("close", this.#onAnswered);
  }

  #onConnection(socket: Socket): void {
    this.#open += 1;
    this.#expectHead(socket);
    socket.on("close", this.#onGone);
  }

  #expectHead(socket: Socket): void {
    this.#heads.set(socket, performance.now());
    this.#timer ??= this.#lookIn(LOOK_EVERY_MS);
  }

  #lookIn(ms: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      const isMore = this.#look();
      const isNeeded = this.#heads.size + this.#bodies.size > 0;
      this.#timer = isNeeded ? this.#lookIn(isMore ? CUT_EVERY_MS : LOOK_EVERY_MS) : undefined;
    }, ms).unref();
  }

  /** Returns whether there are more to cut. */
  #look(): boolean {
    const { max, headMs, bodyMs } = this.#limits;
    for (let cuts = 0; cuts < CUT_AT_ONCE; cuts++) {
      const isCrowded = this.#open - cuts > CROWDED * max;
      const head = firstBefore(this.#heads, isCrowded ? Math.min(headMs, CROWDED_HEAD_MS) : headMs);
      const body = head === undefined ? firstBefore(this.#bodies, bodyMs) : undefined;
      const socket = head ?? body?.socket;
      if (socket === undefined) return false;
      this.#heads.delete(socket);
      if (body !== undefined) this.#bodies.delete(body);
      this.#cut(socket);
    }
    return true;
  }
}

function firstBefore<T>(waiting: ReadonlyMap<T, number>, ms: number): T | undefined {
  for (const [first, since] of waiting) return performance.now() - since >= ms ? first : undefined;
  return undefined;
}

/** A listener that is told who was heard. */
function listener<T>(hear: (emitter: T) => void): (this: T) => void {
  return function () {
    hear(this);
  };
}
