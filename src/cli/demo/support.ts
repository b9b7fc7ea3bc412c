import { createCustomers } from "./customers.ts";
import type { CustomerAct, SimulatedTicket } from "./customers.ts";
import type { Publisher } from "./publisher.ts";

/** The tickets of simulated customers: a list, and a log for each. */
const TICKETS = "demo/support/tickets";
/** A presence is renewed each so many steps of a second. Source: PROTOCOL.md "Presence". */
const RENEW_STEPS = 20;

export interface SupportOptions {
  publisher: Publisher;
  random: () => number;
  now: () => number;
}

/** Customers at the support desk. */
export interface SupportDemo {
  /** One second of them. */
  step: () => Promise<void>;
  /** Takes their tickets off the list. */
  clear: () => Promise<void>;
}

export function createSupport({ publisher, random, now }: SupportOptions): SupportDemo {
  const customers = createCustomers({ random });
  /** The secret of each, by which the server knows it. */
  const browsers = new Map<string, string>();
  /** The list, as far as it was read. */
  const tickets = new Map<string, SimulatedTicket>();
  let cursor: string | undefined;
  let steps = 0;
  let stepping = Promise.resolve();
  let isOver = false;

  function browserOf(key: string): string {
    const known = browsers.get(key) ?? `demo-${key}-${random().toString(36).slice(2).padEnd(12, "0")}`;
    browsers.set(key, known);
    return known;
  }

  async function act(one: CustomerAct): Promise<void> {
    const log = `${TICKETS}/${one.key}`;
    switch (one.type) {
      case "type":
        await publisher.post(`signals/${log}`, {
          kind: "typing",
          data: { role: "customer", name: one.name },
        });
        return;
      case "write": {
        await publisher.post(`signals/${log}`, { kind: "typing", stop: true });
        const cursor = await publisher.append(log, one.events, "log");
        await publisher.append(TICKETS, [{ ...one.ticket, ...(cursor !== undefined && { cursor }) }]);
        return;
      }
      case "leave":
        await remove([one.key]);
    }
  }

  async function remove(keys: readonly string[]): Promise<void> {
    await publisher.append(
      TICKETS,
      keys.map((key) => ({ key, deleted: true })),
    );
    for (const key of keys) {
      await publisher.post(`presence/${TICKETS}/${key}`, { browser: browserOf(key), leave: true });
      await publisher.remove(`${TICKETS}/${key}`);
      browsers.delete(key);
    }
  }

  /** Reads what has changed since the last time: what was removed stays in the list for a day, as a tombstone. */
  async function refresh(): Promise<void> {
    for (;;) {
      const page = await publisher.read(TICKETS, cursor);
      if (page.isReset) tickets.clear();
      cursor = page.next;
      // Those of the demo, and what pages have made of them, which keeps their shape.
      for (const entry of page.events as (SimulatedTicket & { deleted?: true })[]) {
        tickets.delete(entry.key);
        if (entry.deleted !== true) tickets.set(entry.key, entry);
      }
      if (page.events.length === 0) return;
    }
  }

  async function step(): Promise<void> {
    await refresh();
    // What a demo has left behind that could not end.
    if (steps === 0) {
      await remove([...tickets.keys()]);
      tickets.clear();
    }
    for (const one of customers.advance(now(), tickets)) if (!isOver) await act(one);
    if (steps % RENEW_STEPS === 0) {
      for (const [key, name] of customers.present) {
        await publisher.post(`presence/${TICKETS}/${key}`, { browser: browserOf(key), data: { name } });
      }
    }
    steps += 1;
  }

  return {
    step: () => (stepping = step()),
    async clear() {
      isOver = true;
      await stepping;
      await refresh();
      await remove([...tickets.keys()]);
    },
  };
}
