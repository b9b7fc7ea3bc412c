// A support desk: tickets, what is said in each, and who types. Open it in two windows.
import { useState } from "react";
import type { FormEvent } from "react";
import { useClient, useFeed, useStreamState, useTyping } from "millrace/react";

/** The key is what the event replaces; it also names the stream of what is said in the ticket. */
type Ticket = { key: string; subject: string; isClosed: boolean };

export function SupportDesk({ me }: { me: string }) {
  const { api } = useClient();
  const { entries } = useStreamState<Ticket>("desk");
  const [open, setOpen] = useState<string>();
  const [subject, setSubject] = useState("");
  const publish = (ticket: Ticket) => api.send("POST", "/v1/streams/desk", ticket);
  const turn = (ticket: Ticket) => publish({ ...ticket, isClosed: !ticket.isClosed });
  async function create(event: FormEvent) {
    event.preventDefault();
    setSubject("");
    // A table, whose rows are replaced by key. Where it is there already, this changes nothing.
    await api.send("PUT", "/v1/streams/desk", { kind: "state" });
    await publish({ key: Date.now().toString(36), subject, isClosed: false });
  }
  return (
    <>
      {[...entries.values()].map((ticket) => (
        <p key={ticket.key}>
          <button onClick={() => setOpen(ticket.key)}>{ticket.subject}</button>
          <button onClick={() => void turn(ticket)}>{ticket.isClosed ? "reopen" : "close"}</button>
        </p>
      ))}
      {open && <Thread key={open} stream={`desk/${open}`} me={me} />}
      <form onSubmit={(event) => void create(event)}>
        <input value={subject} onChange={(event) => setSubject(event.target.value)} required />
      </form>
    </>
  );
}

function Thread({ stream, me }: { stream: string; me: string }) {
  const { api } = useClient();
  const { events } = useFeed<{ text: string }>(stream);
  const { typing, type, stop } = useTyping<{ name: string }>(stream);
  const [text, setText] = useState("");
  async function send(event: FormEvent) {
    event.preventDefault();
    stop();
    setText("");
    await api.send("POST", `/v1/streams/${stream}`, { text: `${me}: ${text}` });
  }
  return (
    <form onSubmit={(event) => void send(event)} onInput={() => type({ name: me })}>
      {events.map(({ cursor, event }) => (
        <p key={cursor}>{event.text}</p>
      ))}
      <i>{typing.map(({ data }) => `${data?.name} is typing…`).join(" ")}</i>
      <input value={text} onChange={(event) => setText(event.target.value)} required />
    </form>
  );
}
