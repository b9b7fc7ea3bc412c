import { useState } from "react";
import type { KeyboardEvent, ReactNode } from "react";
import type { PresenceView } from "millrace/client/live";
import { usePresence } from "millrace/react";
import { onLiveLink } from "../place.ts";
import { Publish } from "../publish.tsx";
import { Wire } from "../wire.tsx";
import { openCommand } from "./commands.ts";
import type { Outbox } from "./outbox.ts";
import { useAgentName } from "./person.ts";
import { DEMO_TICKETS, TICKETS, logOf, pathTo } from "./place.ts";
import type { TicketName } from "./place.ts";
import { unreadOf, useInSight, useReading } from "./reading.ts";
import { TicketRows } from "./ticket-rows.tsx";
import { Here, agentName } from "./ticket-tools.tsx";
import type { AgentHere } from "./ticket-tools.tsx";
import { TicketView } from "./ticket-view.tsx";
import { MAX_NAME } from "./ticket.ts";
import { useHold } from "./use-hold.ts";
import { countUnread, useTickets, useTitle } from "./use-tickets.ts";

/** The agent's side: all tickets, and the one that is open. */
export function Desk({ open, outbox }: { open: TicketName | undefined; outbox: Outbox }): ReactNode {
  const [me, rename] = useAgentName();
  const lists = [useTickets(TICKETS), useTickets(DEMO_TICKETS)] as const;
  const [own, demo] = lists;
  const agents = usePresence<AgentHere>(TICKETS, { name: me, ...(open && { ticket: logOf(open) }) });
  const reading = useReading();
  const isInSight = useInSight();
  useTitle("Support desk", countUnread(lists, "agent", reading, isInSight ? open : undefined));
  const { orderOf, sort, handlers } = useHold();
  const orders = lists.map(orderOf);
  const [ownKeys = [], demoKeys = []] = orders.map(({ keys }) => keys);
  const moved = orders.reduce((sum, order) => sum + order.moved, 0);
  const rows = ({ list, tickets }: (typeof lists)[number], keys: readonly string[]) => (
    <TicketRows
      side="agent"
      {...{ list, tickets, keys, open }}
      unread={(ticket) => {
        const isRead = isInSight && open?.list === list && open.key === ticket.key;
        return isRead ? 0 : unreadOf(reading, "agent", logOf({ list, key: ticket.key }), ticket);
      }}
    />
  );
  const listOf = (name: TicketName) => (name.list === DEMO_TICKETS ? demo : own);
  return (
    <>
      <div className="live-title">
        <h1>Support desk</h1>
        <a className="button is-line" href={pathTo("customer")} onClick={onLiveLink}>
          The customer’s side
        </a>
      </div>
      <div className="support-people">
        <AgentName name={me} onRename={rename} />
        <Agents agents={agents} />
      </div>
      <div className="support-desk">
        <section className="support-lists" aria-label="Tickets" {...handlers}>
          <Wire stream={TICKETS} kind="state" store={own.store} />
          <div className="support-held">
            <h2>Tickets</h2>
            {moved > 0 && (
              <button type="button" className="button is-plain" onClick={sort}>
                Sort now: {moved} changed
              </button>
            )}
          </div>
          {ownKeys.length > 0 && rows(own, ownKeys)}
          {own.isReady && ownKeys.length === 0 && (
            <p className="nothing">
              Tickets stand here as soon as somebody opens one: on the customer’s side in a second window, or
              with the command below.
            </p>
          )}
          {demoKeys.length > 0 && (
            <>
              <div className="panel-head support-simulated">
                <h2 id="simulated">Simulated customers</h2>
                <p>
                  The demo feed makes them up, and they answer you. <code>--no-demo</code> leaves them out.
                </p>
              </div>
              <Wire stream={DEMO_TICKETS} kind="state" store={demo.store} />
              {rows(demo, demoKeys)}
            </>
          )}
        </section>
        <div className="support-open">
          {open === undefined ? (
            <p className="nothing support-choose">Choose a ticket to read and answer it.</p>
          ) : (
            <>
              <a className="button is-plain support-back" href={pathTo("agent")} onClick={onLiveLink}>
                All tickets
              </a>
              <TicketView
                key={logOf(open)}
                side="agent"
                name={open}
                listed={{
                  isReady: listOf(open).isReady,
                  ticket: listOf(open).tickets.find(({ key }) => key === open.key),
                }}
                outbox={outbox}
                me={me}
                agents={agents}
              />
            </>
          )}
        </div>
      </div>
      {open === undefined && <Publish commands={openCommand(location.origin)} isFolded />}
    </>
  );
}

function Agents({ agents }: { agents: PresenceView<AgentHere> }): ReactNode {
  const { count, people, me } = agents;
  return (
    <p className="support-agents" role="status">
      <span className="unseen">{count === 1 ? "1 agent is here:" : `${count} agents are here:`}</span>
      {people.length === 0 && count > 0 && <Here isHere>{`${count} agents are here`}</Here>}
      {people.map(({ person, data }) => (
        <Here key={person} isHere>
          {`${agentName(data)}${person === me ? " (you)" : ""} `}
        </Here>
      ))}
    </p>
  );
}

function AgentName({ name, onRename }: { name: string; onRename: (name: string) => void }): ReactNode {
  const [text, setText] = useState<string>();
  function commit(): void {
    if (text !== undefined && text.trim() !== "") onRename(text.trim());
    setText(undefined);
  }
  function onKeyDown({ key }: KeyboardEvent): void {
    if (key === "Enter") commit();
    if (key === "Escape") setText(undefined);
  }
  return (
    <label className="support-field support-name">
      You answer as
      <input
        value={text ?? name}
        maxLength={MAX_NAME}
        onChange={({ target }) => setText(target.value)}
        onBlur={commit}
        onKeyDown={onKeyDown}
      />
    </label>
  );
}
