import { stateOf } from "./ticket.ts";
import type { Ticket } from "./ticket.ts";

/** The keys of a list in the order in which they are shown. */
export interface Order {
  keys: readonly string[];
  /** How many tickets are not shown where they belong, since the order is held. */
  moved: number;
}

/** Open tickets before closed ones, each with what changed last in front. `tickets`: in the order of their last change, which is
 *  the stream's, so that no clock has a say. */
export function sortTickets(tickets: readonly Ticket[]): Ticket[] {
  const latest = tickets.toReversed();
  return [...latest.filter((ticket) => !isClosed(ticket)), ...latest.filter(isClosed)];
}

function isClosed(ticket: Ticket): boolean {
  return stateOf(ticket) === "closed";
}

/** What is shown while somebody points at the list: nothing moves, nothing comes in between, and what has gone keeps its place.
 *  `shown`: what was shown so far; undefined: nothing yet. Pure; twice equals once. */
export function holdOrder(
  shown: readonly string[] | undefined,
  sorted: readonly string[],
  isHeld: boolean,
): Order {
  if (!isHeld || shown === undefined) return { keys: sorted, moved: 0 };
  const known = new Set(shown);
  const present = new Set(sorted);
  const stays = shown.filter((key) => present.has(key));
  const wanted = sorted.filter((key) => known.has(key));
  const isMoved = wanted.some((key, index) => key !== stays[index]);
  const fresh = sorted.length - wanted.length;
  return { keys: shown, moved: fresh + (isMoved ? 1 : 0) + (shown.length - stays.length) };
}
