import { useEffect, useMemo } from "react";
import type { Store } from "millrace/client";
import { liveOf } from "millrace/client/live";
import type { StreamStateView } from "millrace/client/live";
import { useClient, useStreamState } from "millrace/react";
import { logOf } from "./place.ts";
import type { TicketName } from "./place.ts";
import { unreadOf } from "./reading.ts";
import type { Reading } from "./reading.ts";
import { readTicket } from "./ticket.ts";
import type { Side, Ticket } from "./ticket.ts";

/** The tickets of a list. */
export interface Tickets {
  list: string;
  isReady: boolean;
  /** In the order of their last change. */
  tickets: readonly Ticket[];
  store: Store<StreamStateView<object>>;
}

/** Follows a list of tickets. */
export function useTickets(list: string): Tickets {
  const { entries, status } = useStreamState<object>(list);
  const read = useMemo(() => createReader(), []);
  const tickets = useMemo(() => read([...entries.values()]), [entries, read]);
  return { list, isReady: status !== "loading", tickets, store: liveOf(useClient()).state<object>(list) };
}

/** How much is unread in some lists. `shown`: the ticket that is being read at this moment. */
export function countUnread(
  lists: readonly Pick<Tickets, "list" | "tickets">[],
  side: Side,
  reading: Reading,
  shown: TicketName | undefined,
): number {
  let count = 0;
  for (const { list, tickets } of lists) {
    for (const ticket of tickets) {
      const isShown = shown?.list === list && shown.key === ticket.key;
      if (!isShown) count += unreadOf(reading, side, logOf({ list, key: ticket.key }), ticket);
    }
  }
  return count;
}

/** The title of the page, with what is unread in front, so that it can be seen in another tab. */
export function useTitle(name: string, unread: number): void {
  useEffect(() => {
    document.title = `${unread > 0 ? `(${unread}) ` : ""}${name} · Millrace`;
  }, [name, unread]);
}

/** Reads entries, and gives the same object again for one that has not changed. */
function createReader(): (entries: readonly object[]) => Ticket[] {
  let known = new Map<object, Ticket | undefined>();
  return (entries) => {
    const read = new Map(entries.map((entry) => [entry, known.get(entry) ?? readTicket(entry)]));
    known = read;
    return [...read.values()].filter((ticket) => ticket !== undefined);
  };
}
