/** Who speaks. */
export type Side = "customer" | "agent";

/** A ticket, as an entry of a list says it: the summary of its log. */
export interface Ticket {
  /** Names the ticket's log too: `{list}/{key}`. */
  key: string;
  subject: string;
  customer: string;
  status: "open" | "closed";
  /** The agent who has it; absent: nobody. */
  assignee?: string;
  /** How many messages each side has written. */
  messages: Record<Side, number>;
  last?: LastMessage;
  /** Unix milliseconds, by the clock of who said so; 0: not said. */
  at: number;
  /** Up to where in the log this holds; absent where somebody wrote it by hand. */
  cursor?: string;
}

export interface LastMessage {
  from: Side;
  text: string;
  /** How many that side has written in a row. */
  count: number;
}

export const MAX_NAME = 40;
export const MAX_SUBJECT = 120;
export const MAX_TEXT = 4_000;
const MAX_EXCERPT = 160;
/** The last moment that a Date can hold, in milliseconds. */
const MAX_TIME = 8.64e15;
/** One segment of a stream's name, since a ticket's log is named by it. Source: PROTOCOL.md "Names". */
const KEY = /^(?!\.{1,2}$)[A-Za-z0-9._~-]{1,64}$/;

/** Reads what somebody has published in a list; undefined if it is no ticket. */
export function readTicket(event: object): Ticket | undefined {
  const { key, subject, customer, status, assignee, messages, last, at, cursor } = membersOf(event);
  if (typeof key !== "string" || !KEY.test(key)) return undefined;
  const counts = membersOf(messages);
  const message = readLast(last);
  const agent = readText(assignee, MAX_NAME);
  return {
    key,
    subject: readText(subject, MAX_SUBJECT) ?? "No subject",
    customer: readText(customer, MAX_NAME) ?? "Customer",
    status: status === "closed" ? "closed" : "open",
    ...(agent !== undefined && { assignee: agent }),
    messages: { customer: readCount(counts["customer"]), agent: readCount(counts["agent"]) },
    ...(message !== undefined && { last: message }),
    at: readTime(at),
    ...(typeof cursor === "string" && { cursor: cursor.slice(0, 64) }),
  };
}

/** What it is for whoever looks at the list. */
export function stateOf({ status, last }: Ticket): "waiting" | "answered" | "closed" {
  if (status === "closed") return "closed";
  return last?.from === "agent" ? "answered" : "waiting";
}

/** The beginning of a text, in one line. */
export function excerpt(text: string): string {
  return text
    .slice(0, 2 * MAX_EXCERPT)
    .replaceAll(/\s+/g, " ")
    .trim()
    .slice(0, MAX_EXCERPT);
}

/** What somebody says, cut to a length; undefined if it is no text or empty. */
export function readText(value: unknown, most: number): string | undefined {
  const text = typeof value === "string" ? value.slice(0, most).trim() : "";
  return text === "" ? undefined : text;
}

export function readTime(value: unknown): number {
  return typeof value === "number" && Math.abs(value) <= MAX_TIME ? value : 0;
}

/** The members of what should be an object; none of what is not. */
export function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {}; // an object has members
}

function readLast(value: unknown): LastMessage | undefined {
  const { from, text, count } = membersOf(value);
  if (from !== "customer" && from !== "agent") return undefined;
  return { from, text: excerpt(readText(text, MAX_TEXT) ?? ""), count: readCount(count) };
}

function readCount(value: unknown): number {
  return Number.isInteger(value) ? Math.max(0, Number(value)) : 0;
}
