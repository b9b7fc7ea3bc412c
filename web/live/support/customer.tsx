import { useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { usePresence } from "millrace/react";
import { goTo, onLiveLink } from "../place.ts";
import { Publish } from "../publish.tsx";
import { Wire } from "../wire.tsx";
import { openCommand } from "./commands.ts";
import { createKey } from "./outbox.ts";
import type { Outbox } from "./outbox.ts";
import { addToMine, useCustomerName, useMine } from "./person.ts";
import { TICKETS, logOf, pathTo } from "./place.ts";
import type { TicketName } from "./place.ts";
import { unreadOf, useInSight, useReading } from "./reading.ts";
import { TicketRows } from "./ticket-rows.tsx";
import type { AgentHere } from "./ticket-tools.tsx";
import { TicketView } from "./ticket-view.tsx";
import { MAX_NAME, MAX_SUBJECT, MAX_TEXT } from "./ticket.ts";
import { useHold } from "./use-hold.ts";
import { countUnread, useTickets, useTitle } from "./use-tickets.ts";

/** The customer's side: opens tickets, and follows those that were opened at this browser. */
export function Customer({ open, outbox }: { open: TicketName | undefined; outbox: Outbox }): ReactNode {
  const { isReady, tickets, store } = useTickets(TICKETS);
  const keys = useMine();
  const mine = tickets.filter(({ key }) => keys.has(key));
  const { orderOf, handlers } = useHold();
  const order = orderOf({ list: TICKETS, isReady, tickets: mine });
  const agents = usePresence<AgentHere>(TICKETS);
  const [me] = useCustomerName();
  const reading = useReading();
  const isInSight = useInSight();
  useTitle(
    "Support",
    countUnread([{ list: TICKETS, tickets: mine }], "customer", reading, isInSight ? open : undefined),
  );
  return (
    <>
      <div className="live-title">
        <h1>Support</h1>
        <a className="button is-line" href={pathTo("agent")} onClick={onLiveLink}>
          The agent’s desk
        </a>
      </div>
      {open === undefined ? (
        <>
          <p className="live-note">
            {agents.count === 0 && "No agent is here at this moment: open the desk in another window."}
            {agents.count === 1 && "1 agent is here."}
            {agents.count > 1 && `${agents.count} agents are here.`}
          </p>
          <OpenTicket outbox={outbox} />
          <section className="panel" aria-labelledby="mine" {...handlers}>
            <Wire stream={TICKETS} kind="state" store={store} />
            <div className="panel-head">
              <h2 id="mine">Your tickets</h2>
            </div>
            {order.keys.length > 0 ? (
              <TicketRows
                side="customer"
                list={TICKETS}
                keys={order.keys}
                tickets={mine}
                unread={(ticket) =>
                  unreadOf(reading, "customer", logOf({ list: TICKETS, key: ticket.key }), ticket)
                }
              />
            ) : (
              isReady && <p className="nothing">Tickets that you open at this browser stand here.</p>
            )}
          </section>
          <Publish commands={openCommand(location.origin)} isFolded />
          <p className="live-note">
            Nobody signs in here: whoever can reach this server can read every ticket, and choose any name.
          </p>
        </>
      ) : (
        <div className="support-open support-mine">
          <a className="button is-plain support-back" href={pathTo("customer")} onClick={onLiveLink}>
            All your tickets
          </a>
          <TicketView
            key={logOf(open)}
            side="customer"
            name={open}
            listed={{ isReady, ticket: tickets.find(({ key }) => key === open.key) }}
            outbox={outbox}
            me={me === "" ? "Customer" : me}
            agents={agents}
          />
        </div>
      )}
    </>
  );
}

function OpenTicket({ outbox }: { outbox: Outbox }): ReactNode {
  const [known, rename] = useCustomerName();
  const [name, setName] = useState<string>();
  const [subject, setSubject] = useState("");
  const [text, setText] = useState("");
  const shown = name ?? known;
  function submit(event: FormEvent): void {
    event.preventDefault();
    if ([shown, subject, text].some((one) => one.trim() === "")) return;
    const ticket = { list: TICKETS, key: createKey() };
    outbox.send(logOf(ticket), [
      { type: "ticket-open", subject: subject.trim(), name: shown.trim(), text: text.trim() },
    ]);
    rename(shown.trim());
    addToMine(ticket.key);
    goTo(pathTo("customer", ticket));
  }
  return (
    <form className="support-form" onSubmit={submit}>
      <label className="support-field">
        Your name
        <input
          value={shown}
          maxLength={MAX_NAME}
          required
          autoComplete="name"
          onChange={({ target }) => setName(target.value)}
        />
      </label>
      <label className="support-field">
        What it is about
        <input
          value={subject}
          maxLength={MAX_SUBJECT}
          required
          onChange={({ target }) => setSubject(target.value)}
        />
      </label>
      <label className="support-field support-wide">
        What has happened
        <textarea
          rows={3}
          value={text}
          maxLength={MAX_TEXT}
          required
          onChange={({ target }) => setText(target.value)}
        />
      </label>
      <button type="submit" className="button is-primary">
        Open the ticket
      </button>
    </form>
  );
}
