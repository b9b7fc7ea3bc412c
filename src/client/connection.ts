import { viewStatus } from "./connection-state.ts";
import type { ConnectionInput, ConnectionState, ConnectionStep, Failure, Past } from "./connection-state.ts";

/** How long it waits before it comes back: with full jitter below a ceiling that doubles. */
const BASE_MS = 500;
const CAP_MS = 30_000;
/** A connection that held so long has proved itself: what broke it is likely to be over. */
const PROVEN_MS = 5_000;
const QUICK_MS = 200;
const CLEAN_END_MS = 1_000;
const MAX_RETRY_AFTER_MS = 60_000;
/** The server sends something every 15 s: silence for so long is a connection that died unseen. */
const SILENCE_MS = 40_000;
/** After so much silence a page that comes back does not trust its connection. */
const DOUBT_MS = 20_000;
const CONNECT_MS = 20_000;

interface World {
  now: number;
  /** 0 to below 1. */
  random: () => number;
}

export function createConnectionState(now = 0): ConnectionState {
  return { status: "idle", attempt: 0, hasOpened: false, since: now };
}

/** Says where a connection stands after an input, and what is to be done. Pure: it is handed time and randomness. */
export function step(state: ConnectionState, input: ConnectionInput, world: World): ConnectionStep {
  const next = advance(state, input, world) ?? { state };
  if (viewStatus(next.state) === viewStatus(state)) return next;
  return { ...next, state: { ...next.state, since: world.now } };
}

/** When the next `tick` is due; undefined where only another input can change something. */
export function nextTickAt(state: ConnectionState): number | undefined {
  switch (state.status) {
    case "connecting":
      return state.startedAt + CONNECT_MS;
    case "open":
      return state.heardAt + SILENCE_MS;
    case "waiting":
      return state.until;
    default:
      return undefined;
  }
}

/** The wait before another try, in milliseconds: full jitter below a ceiling that doubles up to 30 s. */
export function backOff(attempt: number, random: () => number): number {
  return random() * Math.min(CAP_MS, BASE_MS * 2 ** attempt);
}

/** Undefined: nothing changes. */
function advance(state: ConnectionState, input: ConnectionInput, world: World): ConnectionStep | undefined {
  const { now } = world;
  switch (input.type) {
    case "wanted":
    case "unwanted":
      return want(state, input.type === "wanted", now);
    case "suspended": {
      if (state.status === "suspended") return undefined;
      const isWanted = state.status !== "idle";
      return { state: { ...past(state), status: "suspended", isWanted }, effect: "disconnect" };
    }
    case "opened": {
      if (state.status !== "connecting") return undefined;
      const opened = { openedAt: now, heardAt: now, hasProgress: false };
      return { state: { ...past(state), hasOpened: true, status: "open", ...opened } };
    }
    case "received": {
      if (state.status !== "open") return undefined;
      const { isNew = false } = input;
      const attempt = isNew || now - state.openedAt >= PROVEN_MS ? 0 : state.attempt;
      return { state: { ...state, heardAt: now, hasProgress: state.hasProgress || isNew, attempt } };
    }
    case "failed":
      return fail(state, input, world);
    case "ended":
      return end(state, input.retryMs, world);
    case "tick":
      return tick(state, world);
    case "changed":
      if (state.status === "open") return connect(state, now, true);
      if (state.status === "connecting") return connect(state, now, state.isPlanned);
      // Another set may be allowed, but nobody has signed in by changing it.
      return state.status === "refused" && state.error.status !== 401 ? connect(state, now) : undefined;
    case "online":
      return state.status === "waiting" ? connect(state, now) : undefined;
    case "visible":
    case "resumed":
      return comeBack(state, now);
    case "retry":
      return state.status === "refused" ? connect(state, now) : comeBack(state, now);
  }
}

function want(state: ConnectionState, isWanted: boolean, now: number): ConnectionStep | undefined {
  if (state.status === "suspended") return { state: { ...state, isWanted } };
  // Who wants it again later begins anew.
  if (!isWanted) return { state: createConnectionState(state.since), effect: "disconnect" };
  return state.status === "idle" ? connect(state, now) : undefined;
}

function tick(state: ConnectionState, { now, random }: World): ConnectionStep | undefined {
  switch (state.status) {
    case "connecting":
      return isOver(state.startedAt, CONNECT_MS, now) ? fail(state, {}, { now, random }) : undefined;
    case "open":
      return isOver(state.heardAt, SILENCE_MS, now) ? connect(state, now) : undefined;
    case "waiting":
      // A clock that was set back must not make it wait for hours.
      return now >= state.until || state.until - now > MAX_RETRY_AFTER_MS ? connect(state, now) : undefined;
    default:
      return undefined;
  }
}

/** Whether `ms` have passed, or the clock was set back. */
function isOver(since: number, ms: number, now: number): boolean {
  return Math.abs(now - since) >= ms;
}

function comeBack(state: ConnectionState, now: number): ConnectionStep | undefined {
  switch (state.status) {
    case "suspended":
      return state.isWanted ? connect(state, now) : { state: { ...past(state), status: "idle" } };
    case "waiting":
      return connect(state, now);
    case "open":
      return isOver(state.heardAt, DOUBT_MS, now) ? connect(state, now) : undefined;
    default:
      return undefined;
  }
}

function connect(state: ConnectionState, now: number, isPlanned = false): ConnectionStep {
  return { state: { ...past(state), status: "connecting", startedAt: now, isPlanned }, effect: "connect" };
}

function fail(state: ConnectionState, failure: Failure, { now, random }: World): ConnectionStep | undefined {
  if (state.status !== "connecting" && state.status !== "open") return undefined;
  const { status = 0, code, message, retryAfterMs = 0 } = failure;
  if (isRefusal(status)) {
    const error = { status, code, message: message ?? refusalText(status) };
    return { state: { ...past(state), status: "refused", error }, effect: "disconnect" };
  }
  const isProven = state.status === "open" && now - state.openedAt >= PROVEN_MS;
  // Being cut again and again is no reason to slow down as long as each connection brings something.
  const former = state.status === "open" && state.hasProgress ? 0 : state.attempt;
  const delay = isProven ? random() * QUICK_MS : backOff(former, random);
  const until = now + Math.max(delay, Math.min(retryAfterMs, MAX_RETRY_AFTER_MS));
  return wait(state, isProven ? 0 : former, until);
}

/** A clean end without a word that the streams have ended is a cut like another, only a polite one. */
function end(state: ConnectionState, retryMs: number | undefined, world: World): ConnectionStep | undefined {
  if (state.status !== "open") return fail(state, { retryAfterMs: retryMs }, world);
  const isFruitless = !state.hasProgress && world.now - state.openedAt < PROVEN_MS && state.attempt > 0;
  if (isFruitless) return fail(state, { retryAfterMs: retryMs }, world);
  const delay = Math.min(retryMs ?? world.random() * CLEAN_END_MS, MAX_RETRY_AFTER_MS);
  return wait(state, state.attempt, world.now + delay);
}

function wait(state: ConnectionState, formerAttempt: number, until: number): ConnectionStep {
  return {
    state: { ...past(state), attempt: formerAttempt + 1, status: "waiting", until },
    effect: "disconnect",
  };
}

function past({ attempt, hasOpened, since }: ConnectionState): Past {
  return { attempt, hasOpened, since };
}

/** Whether the same request will be refused again. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && ![408, 425, 429].includes(status);
}

/** What is said of a refusal that says nothing itself. */
export function refusalText(status: number): string {
  return status === 401
    ? "You are signed out. Sign in to go on."
    : `The server refused with status ${status}.`;
}
