import type { Api, Store } from "millrace/client";
import type { ThreadEvent } from "./thread.ts";
import type { Ticket } from "./ticket.ts";

/** What was written here and is not in its log yet. */
export interface Outgoing {
  /** The name of its events, by which they are known again. */
  readonly id: string;
  readonly stream: string;
  readonly events: readonly ThreadEvent[];
  /** Why it was not taken; absent while it is on its way. */
  readonly error?: string;
}

/** Writes to tickets through the public API. */
export interface Outbox extends Store<readonly Outgoing[]> {
  /** Appends events to a ticket's log, together, and shows them until they are there. */
  send: (stream: string, events: readonly ThreadEvent[]) => void;
  /** Sends again what was not taken. It is one append, however often it is sent. */
  retry: (id: string) => void;
  /** Forgets it: it was not taken, or it is in the log by now. */
  drop: (id: string) => void;
  /** Whether this window has written it. */
  isOwn: (id: string | undefined) => boolean;
  /** Says in a list what a ticket's log says. Done: it is committed. Errors: those of the API. */
  publish: (list: string, ticket: Ticket) => Promise<void>;
}

/** Makes an outbox. One request is under way at a time, so that what was written first is first in the log. */
export function createOutbox(api: Api): Outbox {
  const listeners = new Set<() => void>();
  const own = new Set<string>();
  const lists = new Map<string, Promise<unknown>>();
  let outgoing: readonly Outgoing[] = [];
  let isSending = false;
  /** What waits for its turn, by id. */
  const waiting: string[] = [];

  function set(next: readonly Outgoing[]): void {
    outgoing = next;
    for (const listener of listeners) listener();
  }

  async function work(): Promise<void> {
    if (isSending) return;
    isSending = true;
    for (let id = waiting.shift(); id !== undefined; id = waiting.shift()) {
      const one = outgoing.find((other) => other.id === id);
      if (one === undefined) continue;
      try {
        await api.send("POST", `/v1/streams/${one.stream}`, one.events, { key: one.id });
      } catch (reason) {
        const error = reason instanceof Error ? reason.message : String(reason);
        set(outgoing.map((other) => (other.id === id ? { ...other, error } : other)));
      }
    }
    isSending = false;
  }

  function put(one: Outgoing): void {
    const isKnown = outgoing.some(({ id }) => id === one.id);
    set(isKnown ? outgoing.map((other) => (other.id === one.id ? one : other)) : [...outgoing, one]);
    waiting.push(one.id);
    void work();
  }

  return {
    getSnapshot: () => outgoing,
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    send(stream, events) {
      const id = createKey();
      own.add(id);
      const at = Date.now();
      put({ id, stream, events: events.map((event) => ({ ...event, id, at })) });
    },
    retry(id) {
      const one = outgoing.find((other) => other.id === id);
      if (one !== undefined) put({ id, stream: one.stream, events: one.events });
    },
    drop: (id) => set(outgoing.filter((other) => other.id !== id)),
    isOwn: (id) => id !== undefined && own.has(id),
    async publish(list, ticket) {
      const made = lists.get(list) ?? api.send("PUT", `/v1/streams/${list}`, { kind: "state" });
      lists.set(list, made);
      try {
        await made;
      } catch (reason) {
        lists.delete(list);
        throw reason;
      }
      await api.send("POST", `/v1/streams/${list}`, { type: "ticket", ...ticket });
    },
  };
}

/** A name that nobody else has given: of a ticket, or of what is sent. */
export function createKey(): string {
  const [random = 0] = crypto.getRandomValues(new Uint32Array(1));
  return Date.now().toString(36) + random.toString(36);
}
