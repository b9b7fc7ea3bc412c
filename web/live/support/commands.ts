import { TICKETS } from "./place.ts";
import type { Side } from "./ticket.ts";

const JSON_HEADER = "-H 'Content-Type: application/json'";

/** Opens a ticket: its log, and its entry in the list, which the first request makes a table. */
export function openCommand(origin: string): string {
  const list = `${origin}/v1/streams/${TICKETS}`;
  const text = "It has dripped since Monday.";
  const opened = { type: "ticket-open", subject: "The tap drips", name: "Ada", text };
  const last = { from: "customer", text, count: 1 };
  const entry = {
    type: "ticket",
    key: "t1",
    subject: opened.subject,
    customer: "Ada",
    messages: { customer: 1 },
    last,
  };
  return [
    `curl -sX PUT ${list} ${JSON_HEADER} -d '{"kind":"state"}' &&`,
    `curl -sX POST ${list}/t1 ${JSON_HEADER} \\\n  -d '${JSON.stringify(opened)}' &&`,
    `curl -sX POST ${list} ${JSON_HEADER} \\\n  -d '${JSON.stringify(entry)}'`,
  ].join("\n");
}

/** Types in a ticket, and replies. */
export function replyCommand(origin: string, stream: string, from: Side): string {
  const name = from === "agent" ? "Kit" : "Ada";
  const typing = { kind: "typing", data: { role: from, name } };
  const reply = { type: "ticket-reply", from, name, text: "Thank you." };
  return [
    `curl -sX POST ${origin}/v1/signals/${stream} ${JSON_HEADER} \\\n  -d '${JSON.stringify(typing)}' && sleep 3 &&`,
    `curl -sX POST ${origin}/v1/streams/${stream} ${JSON_HEADER} \\\n  -d '${JSON.stringify(reply)}'`,
  ].join("\n");
}
