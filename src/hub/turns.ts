/** All that is written within one turn of the event loop may take so long; then sockets and timers go on. */
const TURN_MS = 2;
/** What is not urgent takes no more of it than this, so that something urgent that comes meanwhile need not wait for the next one. */
const PATIENT_MS = 1;
/** So much is for what is not urgent where that which is would take all of it. */
const SHARE_MS = 0.5;

/** A piece of work, done step by step. Returns whether there is more to do. */
export type Step = () => boolean;

/** Shares each turn of the event loop out among those who have much to write, step by step: a crowd must not hold up a chat, nor
 *  those who come back and have much to catch up with those who are there. */
export class Turns {
  readonly #urgent: Step[] = [];
  readonly #patient: Step[] = [];
  #left = TURN_MS;
  #patientLeft = PATIENT_MS;
  #isRunning = false;
  #isScheduled = false;

  /** Does the first steps at once, where this turn has time left, and the others in later turns. */
  add(step: Step): void {
    this.#urgent.push(step);
    if (!this.#isRunning) this.#run();
  }

  /** Does it behind what is urgent, a share of each turn and one step at least. */
  addPatient(step: Step): void {
    this.#patient.push(step);
    if (!this.#isRunning) this.#run();
  }

  /** Counts what a patient step has others do in this turn, behind it. */
  charge(ms: number): void {
    this.#left -= ms;
    this.#patientLeft -= ms;
  }

  #run(isTurn = false): void {
    this.#isRunning = true;
    try {
      while (this.#left > 0) {
        if (this.#urgent.length > 0) this.#left -= timeNext(this.#urgent);
        else if (this.#patient.length > 0 && this.#patientLeft > 0) this.charge(timeNext(this.#patient));
        else break;
      }
      // What is urgent has taken the whole turn.
      const share = isTurn ? PATIENT_MS - SHARE_MS : Infinity;
      while (this.#patientLeft > share && this.#patient.length > 0) this.charge(timeNext(this.#patient));
    } finally {
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
      this.#patientLeft = PATIENT_MS;
      if (this.#urgent.length > 0 || this.#patient.length > 0) this.#run(true);
    });
  }
}

/** Does the first step, which goes to the end where more of it is left. Returns how long that took, in milliseconds. */
function timeNext(steps: Step[]): number {
  const begun = performance.now();
  const step = steps.shift();
  if (step?.() === true) steps.push(step);
  return performance.now() - begun;
}

/** Calls back when sockets and timers have had their turn. Where there is no setImmediate, a timer of 0 ms does it. */
export function nextTurn(callback: () => void): void {
  if (typeof setImmediate === "function") setImmediate(callback);
  else setTimeout(callback, 0);
}
