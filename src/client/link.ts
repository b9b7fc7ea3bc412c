import { createConnectionState, nextTickAt, step } from "./connection.ts";
import type { ConnectionInput, ConnectionState } from "./connection-state.ts";
import type { Block, Transport } from "./transport.ts";
import type { WireNews } from "./wire.ts";

export interface LinkOptions {
  transport: Transport;
  /** The URL to connect to now. */
  address: () => string;
  onBlock: (block: Block) => void;
  /** 204: nothing more comes for what was asked. */
  onFinalEnd: () => void;
  onChange: (state: ConnectionState, former: ConnectionState) => void;
  onWire: (news: WireNews) => void;
  now: () => number;
  random: () => number;
}

/** One connection with its timer: does what the state machine says, and tells it what happened. */
export interface Link {
  readonly state: ConnectionState;
  send(input: ConnectionInput): void;
}

export function createLink(options: LinkOptions): Link {
  const { now, random } = options;
  let state = createConnectionState(now());
  let closeTransport: (() => void) | undefined;
  let dueAt: number | undefined;
  /** What the timer waits for. */
  let dueFor: ConnectionState["status"] | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function send(input: ConnectionInput): void {
    const former = state;
    const next = step(former, input, { now: now(), random });
    state = next.state;
    const news = newsOf(former, state);
    if (news !== undefined) options.onWire(news);
    if (next.effect !== undefined) disconnect();
    if (next.effect === "connect") connect();
    schedule();
    if (state !== former) options.onChange(state, former);
  }

  function connect(): void {
    let isCurrent = true;
    let retryMs: number | undefined;
    const url = options.address();
    options.onWire({ type: "request", url });
    const close = options.transport.open(url, {
      onOpen: () => isCurrent && send({ type: "opened" }),
      onBlock: (block) => isCurrent && options.onBlock(block),
      onRetry: (ms) => (retryMs = ms),
      onFailed: (failure) => isCurrent && send({ type: "failed", ...failure }),
      onEnded: (isFinal) => {
        if (!isCurrent) return;
        if (isFinal) options.onFinalEnd();
        // Whoever is left, since the set was changed meanwhile, is asked for again.
        if (isCurrent) send({ type: "ended", retryMs });
      },
    });
    closeTransport = () => {
      isCurrent = false;
      close();
    };
  }

  function disconnect(): void {
    closeTransport?.();
    closeTransport = undefined;
  }

  function schedule(): void {
    const at = nextTickAt(state);
    // Each block puts the end of patience off: a timer that rings too early costs less than one for each block. One that was
    // set for something else may ring too late, if the clock was set forward meanwhile.
    if (at !== undefined && dueAt !== undefined && dueAt <= at && dueFor === state.status) return;
    clearTimeout(timer);
    dueAt = at;
    dueFor = state.status;
    if (at === undefined) return;
    timer = setTimeout(
      () => {
        dueAt = undefined;
        send({ type: "tick" });
      },
      Math.max(0, at - now()),
    );
  }

  return {
    get state() {
      return state;
    },
    send,
  };
}

/** What a change of the state says of the wire. */
function newsOf(former: ConnectionState, state: ConnectionState): WireNews | undefined {
  if (former.status !== "connecting" && former.status !== "open") return undefined;
  switch (state.status) {
    case "open":
      return former.status === "open" ? undefined : { type: "open" };
    case "waiting":
      return { type: "cut", retryAt: state.until };
    case "refused":
      return { type: "cut", status: state.error.status, message: state.error.message };
    case "idle":
    case "connecting":
    case "suspended":
      return undefined;
  }
}
