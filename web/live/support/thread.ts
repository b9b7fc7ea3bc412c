import {
  MAX_NAME,
  MAX_SUBJECT,
  MAX_TEXT,
  excerpt,
  membersOf,
  readText,
  readTicket,
  readTime,
} from "./ticket.ts";
import type { LastMessage, Side, Ticket } from "./ticket.ts";

/** What is appended to a ticket's log. `id`: a name that its sender gives it; `at`: Unix milliseconds, by the sender's clock. */
export type ThreadEvent =
  | { type: "ticket-open"; subject: string; name: string; text: string; id?: string; at?: number }
  | { type: "ticket-reply"; from: Side; name: string; text: string; id?: string; at?: number }
  | { type: "ticket-assign"; to: string | null; name: string; id?: string; at?: number }
  | { type: "ticket-close" | "ticket-reopen"; from: Side; name: string; id?: string; at?: number };

/** One line of a thread: a message, or that something was done. */
export interface ThreadLine {
  type: "message" | "change";
  from: Side;
  name: string;
  text: string;
  at: number;
  id?: string;
}

/** A ticket, as its log says it. */
export interface Thread {
  lines: readonly ThreadLine[];
  subject?: string;
  customer?: string;
  status: "open" | "closed";
  assignee?: string;
  messages: Record<Side, number>;
  last?: LastMessage;
  at: number;
  /** The last event of the log that is in it. */
  cursor?: string;
}

/** Folds a ticket's log. What is no event of a ticket is passed over; of two who change the same thing the later wins. Pure. */
export function foldThread(events: readonly { cursor?: string; event: object }[]): Thread {
  const lines: ThreadLine[] = [];
  const thread: Thread = { lines, status: "open", messages: { customer: 0, agent: 0 }, at: 0 };
  for (const { cursor, event } of events) {
    if (cursor !== undefined) thread.cursor = cursor;
    const line = apply(thread, event);
    if (line === undefined) continue;
    lines.push(line);
    thread.at = Math.max(thread.at, line.at);
    if (line.type === "change") continue;
    const { from, text } = line;
    thread.messages[from] += 1;
    const count = thread.last?.from === from ? thread.last.count + 1 : 1;
    thread.last = { from, text: excerpt(text), count };
  }
  return thread;
}

/** The entry of the list that says what a thread says. `former`: what the list says so far. */
export function summaryOf(key: string, thread: Thread, former: Ticket | undefined): Ticket {
  const { subject, customer, status, assignee, messages, last, at, cursor } = thread;
  const entry = {
    key,
    subject: subject ?? former?.subject,
    customer: customer ?? former?.customer,
    status,
    assignee,
    messages,
    last,
    at,
    cursor,
  };
  // As whoever reads the list will see it.
  return readTicket(entry) ?? fail(`${key} names no log`);
}

/** Changes a thread by one event, and gives the line that shows it; undefined where there is nothing to show. */
function apply(thread: Thread, event: object): ThreadLine | undefined {
  const { type, subject, from, to, text, name, at, id } = membersOf(event);
  const side: Side = type === "ticket-assign" || from === "agent" ? "agent" : "customer";
  const who = readText(name, MAX_NAME) ?? (side === "agent" ? "Agent" : "Customer");
  const said = readText(text, MAX_TEXT);
  const line = (kind: ThreadLine["type"], shown: string): ThreadLine => ({
    type: kind,
    from: side,
    name: who,
    text: shown,
    at: readTime(at),
    ...(typeof id === "string" && { id: id.slice(0, 64) }),
  });
  switch (type) {
    case "ticket-open":
      thread.subject = readText(subject, MAX_SUBJECT) ?? "No subject";
      thread.customer = who;
      thread.status = "open";
      return said === undefined ? line("change", "opened the ticket") : line("message", said);
    case "ticket-reply":
      return said === undefined ? undefined : line("message", said);
    case "ticket-assign": {
      const agent = readText(to, MAX_NAME);
      if (agent === undefined) delete thread.assignee;
      else thread.assignee = agent;
      if (agent === undefined) return line("change", "gave the ticket back");
      return line("change", agent === who ? "took the ticket" : `gave the ticket to ${agent}`);
    }
    case "ticket-close":
      thread.status = "closed";
      return line("change", "closed the ticket");
    case "ticket-reopen":
      thread.status = "open";
      return line("change", "reopened the ticket");
    default:
      return undefined;
  }
}

function fail(why: string): never {
  throw new Error(why);
}
