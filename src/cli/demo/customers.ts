/** A ticket, as the list `demo/support/tickets` says it. Shape: what web/live/support/ticket.ts reads. */
export interface SimulatedTicket {
  type: "ticket";
  key: string;
  subject: string;
  customer: string;
  status: "open" | "closed";
  messages: { customer: number; agent: number };
  last: { from: "customer" | "agent"; text: string; count: number };
  at: number;
  cursor?: string;
  simulated: true;
}

/** What a simulated customer does. */
export type CustomerAct =
  | { type: "type"; key: string; name: string }
  /** Appends to the ticket's log, after which the list is to say `ticket`. */
  | { type: "write"; key: string; events: object[]; ticket: SimulatedTicket }
  /** The ticket has been closed for a while, and another one takes its place. */
  | { type: "leave"; key: string };

/** Customers who are made up. */
export interface Customers {
  /** One step of a second: what they do, by what the list says. */
  advance: (now: number, list: ReadonlyMap<string, SimulatedTicket>) => CustomerAct[];
  /** The tickets that are there, each with the name of its customer. */
  readonly present: ReadonlyMap<string, string>;
}

export interface CustomersOptions {
  /** Between 0 and 1. */
  random: () => number;
  /** How many at a time. Default 5. */
  customers?: number;
}

const NAMES = ["Mara", "Ilse", "Tom", "Anselm", "Wren", "Odile", "Bram", "Petra", "Jonah", "Lise", "Marek"];
/** What each asks, and what each says when somebody answers. */
const STORIES: readonly (readonly [subject: string, ...texts: string[]])[] = [
  [
    "The wheel turns backwards",
    "Since the flood my wheel turns backwards.",
    "Yes, the sluice is open.",
    "I closed it. It turns the right way now.",
  ],
  [
    "Invoice 42",
    "Invoice 42 has the same sack of flour twice.",
    "It is the one of Tuesday.",
    "I see the credit. That was quick.",
  ],
  [
    "The door of the millpond",
    "How do I open the door of the millpond?",
    "The handle at the left?",
    "It opens.",
  ],
  [
    "My flour is too coarse",
    "Half of the last delivery is too coarse to bake with.",
    "Stones three and four.",
    "A finer one would be good, thank you.",
  ],
  [
    "A bucket is missing",
    "I ordered twelve buckets, and eleven came.",
    "Order 1204.",
    "Friday is soon enough.",
  ],
  [
    "Noise at night",
    "Something knocks below the floor after ten at night.",
    "Every four seconds or so.",
    "It was the loose paddle.",
  ],
  [
    "Change of address",
    "We moved up the river. Where can I tell you the new address?",
    "Upper Race 7.",
    "Yes, from the first on.",
  ],
];
const NAGS = ["Is anybody there?", "I am still here."];
const THANKS = "That is all. Thank you.";
const GAVE_UP = "I have found it out myself.";

/** How long one types, in milliseconds: at least, and up to so much more. */
const TYPE_MS = [3_000, 4_000] as const;
/** Of each who waits, in each second. */
const NAG_CHANCE = 1 / 40;
/** How long one waits for an answer, and how long a closed ticket stays. */
const PATIENCE_MS = 240_000;
const CLOSED_MS = 60_000;

interface Customer {
  key: string;
  name: string;
  subject: string;
  texts: string[];
  nags: string[];
  /** How many answers it has heard. */
  heard: number;
  waitsSince: number;
  /** What it is typing, and until when. */
  writing?: { text: string; at: number };
  isOpened: boolean;
  closedAt?: number;
}

/** Makes customers who open tickets, answer whoever answers them, and close what is solved. Pure but for the randomness that it is
 *  handed. */
export function createCustomers({ random, customers = 5 }: CustomersOptions): Customers {
  const present: Customer[] = [];
  let made = Math.floor(random() * STORIES.length);

  function begin(now: number): Customer {
    const [subject, ...texts] = STORIES[made++ % STORIES.length] ?? ["A question"];
    const free = NAMES.filter((name) => !present.some((other) => other.name === name));
    const name = free[Math.floor(random() * free.length)] ?? "Somebody";
    // Never used before: whoever still shows a ticket that is gone is not to take another for it.
    const key = `${now.toString(36)}-${made.toString(36)}`;
    return { key, name, subject, texts, nags: [...NAGS], heard: 0, waitsSince: now, isOpened: false };
  }

  function advance(customer: Customer, now: number, ticket: SimulatedTicket | undefined): CustomerAct[] {
    const { key, name, writing } = customer;
    if (!customer.isOpened) return [open(customer, now)];
    if (ticket === undefined) return [];
    if (ticket.status === "closed") {
      customer.closedAt ??= now;
      return now - customer.closedAt < CLOSED_MS ? [] : [{ type: "leave", key }];
    }
    delete customer.closedAt;
    if (writing !== undefined) {
      if (now < writing.at) return [{ type: "type", key, name }];
      delete customer.writing;
      customer.waitsSince = now;
      return [say(customer, now, ticket, writing.text)];
    }
    const isAnswered = ticket.messages.agent > customer.heard;
    customer.heard = ticket.messages.agent;
    if (isAnswered) write(customer, now, customer.texts.shift() ?? THANKS);
    else if (ticket.last.from === "customer" && now - customer.waitsSince > PATIENCE_MS)
      write(customer, now, GAVE_UP);
    else if (ticket.messages.agent === 0 && random() < NAG_CHANCE) {
      const nag = customer.nags.shift();
      if (nag !== undefined) write(customer, now, nag);
    }
    return [];
  }

  function write(customer: Customer, now: number, text: string): void {
    customer.writing = { text, at: now + TYPE_MS[0] + random() * TYPE_MS[1] };
  }

  return {
    get present() {
      return new Map(present.map(({ key, name }) => [key, name]));
    },
    advance(now, list) {
      while (present.length < customers) present.push(begin(now));
      const acts = present.flatMap((customer) => advance(customer, now, list.get(customer.key)));
      for (const act of acts) {
        if (act.type === "leave")
          present.splice(
            present.findIndex(({ key }) => key === act.key),
            1,
          );
      }
      return acts;
    },
  };
}

function open(customer: Customer, at: number): CustomerAct {
  const { key, name, subject } = customer;
  const text = customer.texts.shift() ?? "";
  customer.isOpened = true;
  return {
    type: "write",
    key,
    events: [{ type: "ticket-open", subject, name, text, at }],
    ticket: {
      type: "ticket",
      key,
      subject,
      customer: name,
      status: "open",
      messages: { customer: 1, agent: 0 },
      last: { from: "customer", text, count: 1 },
      at,
      simulated: true,
    },
  };
}

function say(customer: Customer, at: number, ticket: SimulatedTicket, text: string): CustomerAct {
  const { key, name } = customer;
  const from = "customer";
  const isLast = text === THANKS || text === GAVE_UP;
  const reply = { type: "ticket-reply", from, name, text, at };
  const count = ticket.last.from === from ? ticket.last.count + 1 : 1;
  return {
    type: "write",
    key,
    events: isLast ? [reply, { type: "ticket-close", from, name, at }] : [reply],
    ticket: {
      ...ticket,
      status: isLast ? "closed" : "open",
      messages: { ...ticket.messages, customer: ticket.messages.customer + 1 },
      last: { from, text, count },
      at,
    },
  };
}
