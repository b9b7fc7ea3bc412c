import type { EventLook } from "millrace/protocol";
import { addressOf } from "../base.ts";

/** What `GET /v1/inspect` answers, as far as the page shows it. */
export interface Looks {
  at: number;
  total: number;
  readers: Reader[];
  gone: Gone[];
  runs: Run[];
  reports: Report[];
}

/** What `GET /v1/inspect/streams/{name}` answers. */
export interface Timeline extends Looks {
  stream: string;
  /** Absent: there is no such stream. */
  head?: string;
  floor?: number;
  kind?: string;
  closed?: boolean;
  events: EventLook[];
}

/** What somebody's client found missing or doubled, in whatever stream. */
export interface Report {
  at: number;
  who: string;
  request: string;
  gaps: number;
  doubles: number;
}

export interface Reader {
  id: number;
  request?: string;
  who?: string;
  transport: string;
  cameAt: number;
  caughtUpAt?: number;
  began: string;
  state: string;
  bytes: number;
  replayedBytes: number;
  streams: { stream: string; from?: string; cursor?: string; lag: number }[];
}

export interface Gone extends Reader {
  leftAt: number;
  why: string;
}

export interface Run {
  run: string;
  stream: string;
  model?: string;
  request?: string;
  startedAt: number;
  firstAt?: number;
  endedAt?: number;
  deltas?: number;
  stalls?: { at: number; ms: number }[];
  reason?: string;
  error?: string;
}

/** Asks the server; throws a sentence where it refuses. */
export async function ask(path: string, method = "GET", body?: unknown): Promise<unknown> {
  const response = await fetch(addressOf(path), {
    method,
    headers: { accept: "application/json", ...(method !== "GET" && { "content-type": "application/json" }) },
    ...(method === "GET" || method === "DELETE" ? {} : { body: JSON.stringify(body ?? {}) }),
  });
  const answer: unknown = response.status === 204 ? {} : await response.json();
  if (response.ok) return answer;
  const { error } = answer as { error?: { message?: string } }; // a refusal has one
  throw new Error(error?.message ?? `The server answered ${response.status}.`);
}

/** Why a reader began as it did, or has gone, in words. */
export const WORDS: Record<string, string> = {
  new: "from the start",
  resumed: "resumed with its cursor",
  reset: "its cursor could not be honoured",
  left: "it or its network left",
  ended: "the stream ended",
  aged: "closed at its age, to come back",
  stalled: "cut: it took nothing",
  unanswered: "the log did not answer",
  drained: "the server stopped",
  cut: "cut here",
  expired: "its right ended",
};

/** A length of time, in words. */
export function span(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 120_000) return `${(ms / 1_000).toFixed(1)} s`;
  return ms < 7_200_000 ? `${Math.round(ms / 60_000)} min` : `${Math.round(ms / 3_600_000)} h`;
}
