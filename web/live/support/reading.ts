import { useSyncExternalStore } from "react";
import { createKept, useKept } from "../../kept.ts";
import type { Side, Ticket } from "./ticket.ts";

/** How many messages of the other side this browser has shown, for each ticket and side. */
export type Reading = Readonly<Record<string, number>>;

const kept = createKept("support-read");
/** The oldest are forgotten beyond it. */
const MAX_READ = 500;

/** Messages of the other side which nobody of this side has answered, and this browser has not shown. */
export function unreadOf(reading: Reading, side: Side, stream: string, ticket: Ticket): number {
  const { last, messages, status } = ticket;
  if (last === undefined || last.from === side) return 0;
  if (side === "agent" && status === "closed") return 0;
  const seen = reading[keyOf(side, stream)] ?? 0;
  return Math.max(0, Math.min(last.count, messages[other(side)] - seen));
}

/** Puts what was read among the rest, as the youngest; the same if that is nothing new. Pure. */
export function withRead(reading: Reading, side: Side, stream: string, count: number): Reading {
  const key = keyOf(side, stream);
  const { [key]: former = 0, ...others } = reading;
  if (former === count) return reading;
  return Object.fromEntries([...Object.entries(others), [key, count] as const].slice(-MAX_READ));
}

/** What is read, the same in all tabs. */
export function useReading(): Reading {
  return parse(useKept(kept));
}

/** All that the other side has written in a ticket was shown. */
export function markRead(side: Side, stream: string, messages: Record<Side, number>): void {
  const former = parse(kept.get());
  const next = withRead(former, side, stream, messages[other(side)]);
  if (next !== former) kept.set(JSON.stringify(next));
}

/** Whether the page can be seen at this moment. */
export function useInSight(): boolean {
  return useSyncExternalStore(onVisibility, () => document.visibilityState === "visible");
}

function onVisibility(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}

function keyOf(side: Side, stream: string): string {
  return `${side} ${stream}`;
}

function other(side: Side): Side {
  return side === "agent" ? "customer" : "agent";
}

let parsed: { text: string | undefined; reading: Reading } = { text: undefined, reading: {} };

function parse(text: string | undefined): Reading {
  if (parsed.text !== text) parsed = { text, reading: parseReading(text) };
  return parsed.reading;
}

function parseReading(text: string | undefined): Reading {
  try {
    const reading: unknown = JSON.parse(text ?? "{}");
    if (typeof reading !== "object" || reading === null) return {};
    return Object.fromEntries(Object.entries(reading).filter(([, count]) => Number.isInteger(count)));
  } catch {
    return {}; // Written by nobody we know: what is read next takes its place.
  }
}
