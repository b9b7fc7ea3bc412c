import type { StreamName } from "../protocol/names.ts";
import { encodeBundle } from "./bundle.ts";
import type { Bundle } from "./bundle.ts";
import type { Turns } from "./turns.ts";

/** What is told: a state, which is always told, or one of many signals, of which some may be lost. */
export type Topic = "presence" | `signal ${string}`;

/** Whoever is told what is not in the log. */
export interface Listener {
  /** Takes blocks without an id, or loses them if it is behind. */
  tell(bundle: Bundle): void;
}

/** Between two tellings of a stream: with the one at the start of a connection a reader gets at most ten within a second. */
const TELL_MS = 120;
/** Signals that may wait for the next telling, and how much all of it may be, in characters; more is lost. */
const MAX_SIGNALS = 64;
const MAX_LENGTH = 49_152;
/** So many readers are told in one step. */
const STEP_READERS = 16;

/** Who reads which stream at this moment, to be told what is not in the log. It holds nothing for anybody: what is told reaches
 *  those who are there and not behind. */
export class Audiences {
  readonly #turns: Turns;
  readonly #audiences = new Map<StreamName, Audience>();

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  join(stream: StreamName, listener: Listener): void {
    const audience = this.#audiences.get(stream) ?? new Audience(this.#turns);
    this.#audiences.set(stream, audience);
    audience.listeners.add(listener);
  }

  leave(stream: StreamName, listener: Listener): void {
    const audience = this.#audiences.get(stream);
    if (audience === undefined) return;
    audience.listeners.delete(listener);
    if (audience.listeners.size > 0) return;
    audience.close();
    this.#audiences.delete(stream);
  }

  /** Tells what `make` then gives, at once or with all else that came meanwhile. Of one topic only the latest is told. */
  tell(stream: StreamName, topic: Topic, make: () => string): void {
    this.#audiences.get(stream)?.tell(topic, make);
  }
}

/** Those who read one stream. They are told at once, and then in bundles, so that many who speak at the same time cost each of
 *  them a bounded number of writes, and a crowd is told step by step. */
class Audience {
  readonly listeners = new Set<Listener>();
  readonly #turns: Turns;
  #waiting: Map<Topic, () => string> | undefined;
  #lastAt = -Infinity;
  #isTelling = false;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(turns: Turns) {
    this.#turns = turns;
  }

  tell(topic: Topic, make: () => string): void {
    const waiting = (this.#waiting ??= new Map());
    if (waiting.size >= MAX_SIGNALS && !waiting.has(topic) && topic !== "presence") return;
    waiting.set(topic, make);
    this.#schedule();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#waiting = undefined;
  }

  #schedule(): void {
    if (this.#isTelling || this.#timer !== undefined) return;
    const wait = this.#lastAt + TELL_MS - performance.now();
    if (wait <= 0) {
      this.#begin();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#begin();
    }, wait);
  }

  #begin(): void {
    const text = joinWithin(this.#waiting ?? new Map());
    this.#waiting = undefined;
    if (text === "") return;
    this.#lastAt = performance.now();
    this.#isTelling = true;
    const bundle = encodeBundle(text);
    // A set's own iterator: who leaves meanwhile is passed over, who comes is told too.
    const listeners = this.listeners.values();
    this.#turns.add(() => {
      for (let count = 0; count < STEP_READERS; count++) {
        const next = listeners.next();
        if (next.done === true) {
          this.#isTelling = false;
          if (this.#waiting !== undefined) this.#schedule();
          return false;
        }
        next.value.tell(bundle);
      }
      return true;
    });
  }
}

function joinWithin(waiting: ReadonlyMap<Topic, () => string>): string {
  let text = waiting.get("presence")?.() ?? "";
  for (const [topic, make] of waiting) {
    const block = topic === "presence" ? "" : make();
    if (text.length + block.length <= MAX_LENGTH) text += block;
  }
  return text;
}
