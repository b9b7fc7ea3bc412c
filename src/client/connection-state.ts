/** Why a connection was refused for good: the status, and what the server said. */
export interface ConnectionError {
  status: number;
  code?: string | undefined;
  message: string;
}

/** What outlives a connection. */
export interface Past {
  /** How many tries have failed in a row. */
  attempt: number;
  hasOpened: boolean;
  /** When what the page is told last changed. */
  since: number;
}

/** Where a connection stands. */
export type ConnectionState = Past &
  (
    | { status: "idle" }
    /** Planned: only to change what is followed, which is no news for a page. */
    | { status: "connecting"; startedAt: number; isPlanned: boolean }
    | { status: "open"; openedAt: number; heardAt: number; hasProgress: boolean }
    | { status: "waiting"; until: number }
    | { status: "refused"; error: ConnectionError }
    | { status: "suspended"; isWanted: boolean }
  );

/** What a connection can be told. */
export type ConnectionInput =
  | {
      type:
        | "wanted"
        | "unwanted"
        | "opened"
        | "tick"
        | "online"
        | "visible"
        | "resumed"
        | "suspended"
        | "changed"
        | "retry";
    }
  /** Any block, a ping too. `isNew`: it brought an event that was not had. */
  | { type: "received"; isNew?: boolean }
  | ({ type: "failed" } & Failure)
  | { type: "ended"; retryMs?: number | undefined };

export interface Failure {
  status?: number | undefined;
  code?: string | undefined;
  message?: string | undefined;
  retryAfterMs?: number | undefined;
}

/** What is to be done. `connect` closes what is open first: there is never more than one. */
export type ConnectionEffect = "connect" | "disconnect";

export interface ConnectionStep {
  state: ConnectionState;
  effect?: ConnectionEffect;
}

/** What a page is told. `connecting` only before the first opening, `reconnecting` after it. */
export interface ConnectionView {
  readonly status: "idle" | "connecting" | "open" | "reconnecting" | "refused";
  /** Unix milliseconds. */
  readonly since: number;
  /** How many tries have failed in a row. */
  readonly attempt: number;
  readonly error?: ConnectionError;
}

/** What a page is told of a connection. */
export function viewConnection(state: ConnectionState): ConnectionView {
  return {
    status: viewStatus(state),
    since: state.since,
    attempt: state.attempt,
    ...(state.status === "refused" && { error: state.error }),
  };
}

/** Whether two views say the same. */
export function isSameView(a: ConnectionView, b: ConnectionView): boolean {
  return a.status === b.status && a.attempt === b.attempt && a.since === b.since;
}

/** The status that a page is told. */
export function viewStatus(state: ConnectionState): ConnectionView["status"] {
  const away = state.hasOpened ? "reconnecting" : "connecting";
  switch (state.status) {
    case "connecting":
      return state.isPlanned ? "open" : away;
    case "waiting":
      return away;
    case "suspended":
      return state.isWanted ? away : "idle";
    case "idle":
    case "open":
    case "refused":
      return state.status;
  }
}
