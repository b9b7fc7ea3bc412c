/** All that is written within one turn of the event loop may take so long; then sockets and timers go on. */
const TURN_MS = 2;

/** A piece of work, done step by step. Returns whether there is more to do. */
export type Step = () => boolean;

/** Shares each turn of the event loop out among those who have much to write, step by step: a crowd must not hold up a chat. */
export class Turns {
  readonly #waiting: Step[] = [];
  #left = TURN_MS;
  #isRunning = false;
  #isScheduled = false;

  /** Does the first steps at once, where this turn has time left, and the others in later turns. */
  add(step: Step): void {
    this.#waiting.push(step);
    if (!this.#isRunning) this.#run();
  }

  #run(): void {
    this.#isRunning = true;
    const begun = performance.now();
    let spent = 0;
    try {
      while (spent < this.#left) {
        const step = this.#waiting.shift();
        if (step === undefined) break;
        if (step()) this.#waiting.push(step);
        spent = performance.now() - begun;
      }
    } finally {
      this.#left -= spent;
      this.#isRunning = false;
      this.#schedule();
    }
  }

  #schedule(): void {
    if (this.#isScheduled) return;
    this.#isScheduled = true;
    nextTurn(() => {
      this.#isScheduled = false;
      this.#left = TURN_MS;
      if (this.#waiting.length > 0) this.#run();
    });
  }
}

/** Calls back when sockets and timers have had their turn. Where there is no setImmediate, a timer of 0 ms does it. */
export function nextTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}
