import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { AppendOptions, AppendOutcome, Log, NewEvent } from "../log/log.ts";

/** Why a run's writer may not go on: another has ended the run, or the log was away for too long, or lost what it had. */
export type Refusal = "ended" | "lost";

export interface RunWriterOptions {
  /** Whether the run's end closes the stream. Default true. */
  closes?: boolean;
  /** Rises with each process that goes on with the run. Default 1. */
  epoch?: number;
  /** How long the log may be away before the run is given up, in milliseconds. Default 60,000. */
  patienceMs?: number;
  /** Default: a timer. */
  sleep?: (ms: number) => Promise<void>;
  now?: () => number;
}

interface Step {
  seq: number;
  events: NewEvent[];
  options: AppendOptions;
  isDone: boolean;
}

const MAX_IN_FLIGHT = 8;
const MAX_BATCH = 1_000;
/** Events that wait for the log before the provider has to wait, too. */
const MAX_WAITING = 4_000;
/** While an append is under way, the next goes no sooner after it: what arrives in between is one batch. */
const GATHER_MS = 1;

/** Appends a run's events in order, pipelined: the first at once, then what arrives while appends are under way in batches.
 *  An append whose outcome is unknown is sent again as the same step, so nothing is lost or doubled by it. */
export class RunWriter {
  readonly #log: Log;
  readonly #stream: StreamName;
  readonly #id: string;
  readonly #onRefused: (refusal: Refusal) => void;
  readonly #closes: boolean;
  readonly #epoch: number;
  readonly #patienceMs: number;
  readonly #sleep: (ms: number) => Promise<void>;
  readonly #now: () => number;
  #waiting: NewEvent[] = [];
  /** Steps that are not acknowledged yet, in order. */
  #steps: Step[] = [];
  #seq = 0;
  #inFlight = 0;
  #lastSentAt = 0;
  #hasFailed = false;
  #isRefused = false;
  #isEnding = false;
  #onRoom: (() => void)[] = [];

  /** The writer's step 0 was the append that started the run, or took it over. */
  constructor(
    log: Log,
    stream: StreamName,
    id: string,
    onRefused: (refusal: Refusal) => void,
    { closes = true, epoch = 1, patienceMs = 60_000, sleep = wait, now = Date.now }: RunWriterOptions = {},
  ) {
    this.#log = log;
    this.#stream = stream;
    this.#id = id;
    this.#onRefused = onRefused;
    this.#closes = closes;
    this.#epoch = epoch;
    this.#patienceMs = patienceMs;
    this.#sleep = sleep;
    this.#now = now;
  }

  /** Takes an event, to be appended after all before it with the next `flush`. */
  push(data: string): void {
    if (this.#isRefused || this.#isEnding) return;
    this.#waiting.push({ data });
  }

  /** Whether so much waits for the log that the provider should wait for `room`. */
  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING && !this.#isRefused;
  }

  /** Resolves when there is room again, or no more is taken. */
  room(): Promise<void> {
    return this.isFull ? new Promise((resolve) => this.#onRoom.push(resolve)) : Promise.resolve();
  }

  /** Appends the run's end after all before it. Resolves when that is committed, or refused. */
  async end(data: string): Promise<void> {
    if (this.#isRefused || this.#isEnding) return;
    this.#waiting.push({ data });
    this.#isEnding = true;
    this.flush();
    while (!this.#isRefused && (this.#waiting.length > 0 || this.#steps.length > 0)) {
      await new Promise<void>((resolve) => this.#onRoom.push(resolve));
    }
  }

  /** Appends what was pushed. Resolves when that is committed, or refused. */
  async settle(): Promise<void> {
    this.flush();
    while (!this.#isRefused && (this.#waiting.length > 0 || this.#steps.length > 0)) {
      await new Promise<void>((resolve) => this.#onRoom.push(resolve));
      this.flush();
    }
  }

  /** Takes no more and drops what waits: the run was ended elsewhere. */
  abandon(): void {
    this.#isRefused = true;
    this.#waiting = [];
    this.#wake();
  }

  /** Appends what was pushed: at once, or with what comes while appends are under way. */
  flush(): void {
    while (this.#waiting.length > 0 && !this.#hasFailed && !this.#isRefused) {
      const isSoon = this.#now() - this.#lastSentAt < GATHER_MS;
      if (this.#inFlight > 0 && (this.#inFlight >= MAX_IN_FLIGHT || (isSoon && !this.#isEnding))) return;
      const events = this.#waiting.splice(0, MAX_BATCH);
      const isLast = this.#isEnding && this.#waiting.length === 0;
      const step: Step = {
        seq: ++this.#seq,
        events,
        options: isLast ? { endsWriter: this.#id, close: this.#closes } : {},
        isDone: false,
      };
      this.#steps.push(step);
      this.#lastSentAt = this.#now();
      void this.#send(step);
    }
  }

  async #send(step: Step): Promise<void> {
    this.#inFlight += 1;
    const isDone = await this.#append(step);
    this.#inFlight -= 1;
    if (!isDone) this.#hasFailed = true;
    if (this.#hasFailed && this.#inFlight === 0) await this.#resend();
    this.flush();
    if (!this.isFull) this.#wake();
  }

  /** Sends again what is not acknowledged, one at a time, until the log takes it. */
  async #resend(): Promise<void> {
    const begun = this.#now();
    let delayMs = 25;
    for (let step = this.#steps[0]; step !== undefined && !this.#isRefused; step = this.#steps[0]) {
      while (!step.isDone && !this.#isRefused && !(await this.#append(step))) {
        if (this.#now() - begun > this.#patienceMs) {
          this.#refuse("lost");
          return;
        }
        await this.#sleep(delayMs);
        delayMs = Math.min(delayMs * 2, 1_000);
      }
    }
    this.#hasFailed = false;
  }

  /** True when the step is in the log, or need not be. */
  async #append(step: Step): Promise<boolean> {
    if (this.#isRefused) return true;
    let outcome: AppendOutcome;
    try {
      const writer = { id: this.#id, epoch: this.#epoch, seq: step.seq };
      outcome = await this.#log.append(this.#stream, step.events, { ...step.options, writer });
    } catch (error) {
      // The step may or may not be there: sent again, it gets its first answer.
      if (error instanceof StreamError && error.isRetryable) return false;
      this.#refuse("lost");
      // A refusal of the log's is told by how the run ends.
      if (error instanceof StreamError) return true;
      throw error;
    }
    switch (outcome.status) {
      case "appended":
      case "repeated":
        step.isDone = true;
        while (this.#steps[0]?.isDone === true) this.#steps.shift();
        return true;
      case "sequence-gap":
        // What was acknowledged is not there any more: nothing can follow on it.
        if (outcome.expected < (this.#steps[0]?.seq ?? 0)) {
          this.#refuse("lost");
          return true;
        }
        // One before it failed, and is sent again first.
        return false;
      default:
        this.#refuse("ended");
        return true;
    }
  }

  #refuse(refusal: Refusal): void {
    if (this.#isRefused) return;
    this.abandon();
    this.#onRefused(refusal);
  }

  #wake(): void {
    for (const resolve of this.#onRoom.splice(0)) resolve();
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
