import { memo, useState } from "react";
import type { ReactNode } from "react";
import { useChanged, useMoved } from "../changed.ts";
import { onLiveLink } from "../place.ts";
import { pathTo } from "./place.ts";
import type { TicketName } from "./place.ts";
import { Time } from "./time.tsx";
import { stateOf } from "./ticket.ts";
import type { Side, Ticket } from "./ticket.ts";

export interface TicketRowsProps {
  side: Side;
  list: string;
  /** Which are shown, in this order; one that is no longer there keeps its place. */
  keys: readonly string[];
  tickets: readonly Ticket[];
  unread: (ticket: Ticket) => number;
  open?: TicketName | undefined;
}

const STEP = 100;
const WORDS = { waiting: "Waiting", answered: "Answered", closed: "Closed" } as const;

/** The tickets of one list, each a link to it. */
export function TicketRows({ side, list, keys, tickets, unread, open }: TicketRowsProps): ReactNode {
  const [shown, setShown] = useState(STEP);
  const byKey = new Map(tickets.map((ticket) => [ticket.key, ticket]));
  const ref = useMoved<HTMLUListElement>(keys.join(" "));
  return (
    <>
      <ul className="support-rows" ref={ref}>
        {keys.slice(0, shown).map((key) => {
          const ticket = byKey.get(key);
          return (
            <li key={key} data-key={key}>
              {ticket === undefined ? (
                <p className="support-gone">Removed</p>
              ) : (
                <Row
                  ticket={ticket}
                  side={side}
                  href={pathTo(side, { list, key })}
                  unread={unread(ticket)}
                  isOpen={open?.list === list && open.key === key}
                />
              )}
            </li>
          );
        })}
      </ul>
      {keys.length > shown && (
        <button type="button" className="button is-line" onClick={() => setShown(shown + STEP)}>
          Show {Math.min(STEP, keys.length - shown)} more
        </button>
      )}
    </>
  );
}

interface RowProps {
  ticket: Ticket;
  side: Side;
  href: string;
  unread: number;
  isOpen: boolean;
}

const Row = memo(function Row({ ticket, side, href, unread, isOpen }: RowProps): ReactNode {
  const { subject, customer, assignee, last, at } = ticket;
  const state = stateOf(ticket);
  const ref = useChanged<HTMLAnchorElement>(JSON.stringify(ticket));
  const who = last?.from === "agent" ? "Agent" : customer;
  return (
    <a
      ref={ref}
      className="support-row"
      href={href}
      onClick={onLiveLink}
      data-unread={unread > 0}
      aria-current={isOpen ? "true" : undefined}
    >
      <span className="support-row-subject">{subject}</span>
      <span>
        <Time at={at} />
      </span>
      <span className="support-row-text">{last === undefined ? customer : `${who}: ${last.text}`}</span>
      <span className="support-unread">
        {unread > 0 && (
          <span>
            {unread}
            <span className="unseen"> unread</span>
          </span>
        )}
      </span>
      <span className="support-row-foot">
        <span className="support-state" data-state={state}>
          {WORDS[state]}
        </span>
        {assignee !== undefined && `With ${assignee}`}
        {assignee === undefined && side === "agent" && "Nobody has taken it"}
      </span>
    </a>
  );
});
