import { explainFailure, unavailable } from "./redis-errors.ts";
import type { RedisLink } from "./redis-link.ts";
import { SCRIPTS } from "./redis-scripts.ts";
import type { ScriptName } from "./redis-scripts.ts";

/** A script to be run on the keys of one partition. */
export interface ScriptCall {
  script: ScriptName;
  keys: readonly string[];
  args: readonly (string | number)[];
  /** Where the identity of the Redis that runs it is to stand among the arguments. */
  identityAt?: number;
  /** The same again changes nothing: it is sent again where its answer is lost. */
  isSafe?: boolean;
  /** Where it is an append whose order nothing else keeps: two to this stream must not change places. */
  stream?: string;
  /** It is sent no sooner, and neither is what comes after it. */
  after?: Promise<unknown>;
}

/** What a lane needs to know of where its partition is. */
export interface LaneRoute {
  /** The connection to its master; undefined: there is none now. */
  link(): RedisLink | undefined;
  /** It is elsewhere now. */
  onMoved(): void;
}

export interface LaneOptions {
  /** How long a call may wait for its answer, in milliseconds. */
  timeoutMs: number;
  now?: () => number;
}

interface Call extends ScriptCall {
  deadline: number;
  resolve: (reply: unknown) => void;
  reject: (error: Error) => void;
  state: "waiting" | "sent" | "taken" | "refused" | "over";
  isReady: boolean;
  /** It was sent, and its answer was lost: it may have been taken. */
  isDoubtful: boolean;
}

/** Calls that may wait for one partition; more are refused. */
const MAX_WAITING = 20_000;
const MIN_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;

/** The way to one partition: what is sent on it takes effect in the order of the calls, many under way at a time. Where Redis refuses
 *  one (it moved, it is loading, it is a replica now), all that follows is held until it is known what became of each, and
 *  what took no effect is sent again in its order, for as long as it may wait. */
export class Lane {
  readonly #route: LaneRoute;
  readonly #timeoutMs: number;
  readonly #now: () => number;
  #waiting: Call[] = [];
  #sent: Call[] = [];
  #underWay = 0;
  #isHeld = false;
  #pauseMs = MIN_PAUSE_MS;
  #sweeper: ReturnType<typeof setInterval> | undefined;
  #isClosed = false;

  constructor(route: LaneRoute, { timeoutMs, now = () => performance.now() }: LaneOptions) {
    this.#route = route;
    this.#timeoutMs = timeoutMs;
    this.#now = now;
  }

  /** Runs a script; resolves with what it returns. Errors: StreamError `log-unavailable`, `log-full`. */
  run(call: ScriptCall): Promise<unknown> {
    if (this.#isClosed || this.#waiting.length >= MAX_WAITING) return Promise.reject(unavailable(false));
    return new Promise((resolve, reject) => {
      const entry: Call = {
        ...call,
        deadline: this.#now() + this.#timeoutMs,
        resolve,
        reject,
        state: "waiting",
        isReady: call.after === undefined,
        isDoubtful: false,
      };
      this.#waiting.push(entry);
      const onReady = () => {
        entry.isReady = true;
        this.pump();
      };
      call.after?.then(onReady, (error: Error) => {
        entry.state = "over";
        reject(error);
        onReady();
      });
      this.pump();
    });
  }

  /** Sends what waits, where there is a way. */
  pump(): void {
    while (!this.#isHeld) {
      const [next] = this.#waiting;
      if (next === undefined || !next.isReady) break;
      if (next.state !== "over") {
        const link = this.#route.link();
        const identity = link?.identity;
        if (link === undefined || identity === undefined) break;
        this.#send(next, link, identity.runId);
      }
      this.#waiting.shift();
    }
    if (this.#waiting.length > 0) this.#sweeper ??= setInterval(() => this.#sweep(), 100);
  }

  /** Resolves when nothing is under way; takes no more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    const calls = [...this.#sent, ...this.#waiting].filter(({ state }) => state !== "over");
    this.#sweep();
    await Promise.race([
      new Promise((resolve) => setTimeout(resolve, this.#timeoutMs).unref()),
      Promise.allSettled(calls.map((call) => new Promise((resolve) => wrap(call, resolve)))),
    ]);
    clearInterval(this.#sweeper);
  }

  #send(call: Call, link: RedisLink, runId: string): void {
    const { sha } = SCRIPTS[call.script];
    const { identityAt } = call;
    const args =
      identityAt === undefined
        ? call.args
        : call.args.map((arg, index) => (index === identityAt ? runId : arg));
    call.state = "sent";
    this.#sent.push(call);
    this.#underWay += 1;
    link.send("EVALSHA", [sha, call.keys.length, ...call.keys, ...args]).then(
      (reply) => {
        this.#pauseMs = MIN_PAUSE_MS;
        call.state = "taken";
        call.resolve(reply);
        this.#settle();
      },
      (error: unknown) => {
        this.#onFailure(call, link, error);
        this.#settle();
      },
    );
  }

  #onFailure(call: Call, link: RedisLink, error: unknown): void {
    const failure = explainFailure(error);
    if (failure.status === "failed") {
      call.state = "over";
      call.reject(failure.error);
      return;
    }
    if (failure.status === "lost" && call.isSafe !== true) {
      call.state = "over";
      call.reject(unavailable(true));
      return;
    }
    call.state = "refused";
    call.isDoubtful ||= failure.status === "lost";
    this.#isHeld = true;
    if (failure.status !== "refused") return;
    if (failure.by === "moved") this.#route.onMoved();
    // It is greeted anew: as a master, and with the scripts.
    if (failure.by === "not-a-master" || failure.by === "no-script") link.reset();
  }

  #settle(): void {
    this.#underWay -= 1;
    if (!this.#isHeld) {
      while (this.#sent[0] !== undefined && this.#sent[0].state !== "sent") this.#sent.shift();
      return;
    }
    if (this.#underWay > 0) return;
    const overtaken = new Set<string>();
    const again: Call[] = [];
    for (const call of this.#sent.toReversed()) {
      if (call.state === "taken" && call.stream !== undefined) overtaken.add(call.stream);
      if (call.state !== "refused") continue;
      // Another of its stream that came later was taken: sent again, this one would stand behind it.
      const isOvertaken = call.stream !== undefined && overtaken.has(call.stream);
      if (isOvertaken) call.reject(unavailable(call.isDoubtful));
      else again.push(call);
    }
    this.#sent = [];
    for (const call of again) call.state = "waiting";
    this.#waiting.unshift(...again.toReversed());
    setTimeout(
      () => {
        this.#isHeld = false;
        this.pump();
      },
      this.#pauseMs * (0.5 + Math.random()),
    );
    this.#pauseMs = Math.min(this.#pauseMs * 2, MAX_PAUSE_MS);
    this.#sweeper ??= setInterval(() => this.#sweep(), 100);
  }

  /** Refuses what has waited for too long. */
  #sweep(): void {
    const now = this.#now();
    const isLate = (call: Call) =>
      call.deadline <= now || (this.#isClosed && this.#route.link() === undefined);
    for (const call of this.#waiting) {
      if (call.state === "over" || !isLate(call)) continue;
      call.state = "over";
      call.reject(unavailable(call.isDoubtful));
    }
    this.#waiting = this.#waiting.filter(({ state }) => state !== "over");
    if (this.#waiting.length > 0) return;
    clearInterval(this.#sweeper);
    this.#sweeper = undefined;
  }
}

/** Hears when a call is over, beside whoever made it. */
function wrap(call: Call, onOver: (value: unknown) => void): void {
  const { resolve, reject } = call;
  call.resolve = (reply) => {
    resolve(reply);
    onOver(undefined);
  };
  call.reject = (error) => {
    reject(error);
    onOver(undefined);
  };
}
