import { addressOf } from "../../base.ts";
import type { Side } from "./ticket.ts";

/** The tickets that people open, and those of customers that the demo makes up. */
export const TICKETS = "support/tickets";
export const DEMO_TICKETS = "demo/support/tickets";

/** Which part of the support desk an address shows. */
export interface SupportPlace {
  side: Side;
  /** The ticket that is open: its list and its key. */
  ticket?: TicketName;
}

export interface TicketName {
  list: string;
  key: string;
}

const ROOT = addressOf("/live/support");
const PATH = /^\/live\/support(?:\/(tickets|desk|demo)(?:\/([A-Za-z0-9._~-]{1,64}))?)?$/;

/** Reads an address under `/live/support`: the customer's side, unless it says that it is the agent's. */
export function readPlace(path: string): SupportPlace {
  const [, part, key] = PATH.exec(path) ?? [];
  const side = part === "desk" || part === "demo" ? "agent" : "customer";
  if (key === undefined) return { side };
  return { side, ticket: { list: part === "demo" ? DEMO_TICKETS : TICKETS, key } };
}

/** The address of a side, or of a ticket on it. */
export function pathTo(side: Side, ticket?: TicketName): string {
  if (ticket === undefined) return side === "agent" ? `${ROOT}/desk` : ROOT;
  if (side === "customer") return `${ROOT}/tickets/${ticket.key}`;
  return `${ROOT}/${ticket.list === DEMO_TICKETS ? "demo" : "desk"}/${ticket.key}`;
}

/** The stream of a ticket's log. */
export function logOf({ list, key }: TicketName): string {
  return `${list}/${key}`;
}
