import type { EndReason, Usage } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";

/** A run that has begun, for who runs the server. */
export interface RunBegan {
  run: string;
  stream: StreamName;
  model: string | undefined;
  /** The id of the request that started it. */
  request: string | undefined;
  /** Unix milliseconds. */
  startedAt: number;
}

/** What a provider or a tool threw that says nothing to a reader. */
export interface RunFault {
  run: string;
  stream: StreamName;
  request: string | undefined;
  /** Absent: it was the provider. */
  tool?: string;
  error: unknown;
}

/** Says in a log what failed. */
export function faultText(tool: string | undefined): string {
  return tool === undefined ? "a provider failed" : "a tool failed";
}

/** What a provider says to who runs the server. */
export interface RunWarning {
  run: string;
  stream: StreamName;
  request: string | undefined;
  message: string;
}

/** A silence between two deltas. */
export interface Stall {
  /** When it began, in Unix milliseconds. */
  at: number;
  ms: number;
}

/** A run as far as it has come. */
export interface RunLook extends RunBegan {
  /** Of its first delta, and of its last. */
  firstAt: number | undefined;
  lastAt: number;
  deltas: number;
  /** When the model said nothing for a while amid its answer, the first few times. Absent: it never did. */
  stalls?: readonly Stall[] | undefined;
}

/** A run that this process has generated, once it is over. */
export interface RunEnded extends RunLook {
  /** `moved`: another process goes on with it, or has ended it. */
  reason: EndReason | "moved";
  endedAt: number;
  usage: Usage | undefined;
  /** The code of what it failed of. */
  error: string | undefined;
}
