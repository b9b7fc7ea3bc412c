import { useEffect } from "react";
import { createKept, useKept } from "../../kept.ts";
import { MAX_NAME, readText } from "./ticket.ts";

const agent = createKept("support-agent");
const customer = createKept("support-customer");
const mine = createKept("support-mine");

/** Who an agent is until it says otherwise. */
const NAMES = [
  "Robin",
  "Kit",
  "Sasha",
  "Noor",
  "Jules",
  "Alex",
  "Ada",
  "Ben",
  "Cleo",
  "Dara",
  "Emil",
  "Fay",
  "Hugo",
  "Ines",
];
/** The oldest are forgotten beyond it. */
const MAX_MINE = 100;

/** What the agent at this browser is called, in all its tabs. */
export function useAgentName(): [name: string, rename: (name: string) => void] {
  const name = readText(useKept(agent), MAX_NAME);
  useEffect(() => {
    if (name === undefined) agent.set(NAMES[Math.floor(Math.random() * NAMES.length)]);
  }, [name]);
  return [name ?? "Agent", agent.set];
}

/** What the customer at this browser was called last. */
export function useCustomerName(): [name: string, rename: (name: string) => void] {
  return [readText(useKept(customer), MAX_NAME) ?? "", customer.set];
}

/** The keys of the tickets that were opened at this browser. */
export function useMine(): ReadonlySet<string> {
  return new Set((useKept(mine) ?? "").split(" "));
}

export function addToMine(key: string): void {
  const keys = (mine.get() ?? "").split(" ").filter((one) => one !== "" && one !== key);
  mine.set([...keys, key].slice(-MAX_MINE).join(" "));
}
