// Millrace as a library, without HTTP: a support desk's server code appends, follows, and lets an answer be written.
import { createServer } from "millrace";
import type { ServerOptions } from "millrace";

/** What a ticket's stream holds. The types are this program's own word. */
export type TicketEvent =
  | { type: "comment"; author: string; text: string }
  | { type: "status"; status: "open" | "solved" };

const stream = (ticket: number) => `tickets/${ticket}`;

export async function openDesk(options: ServerOptions = {}) {
  const millrace = await createServer({ hasPages: false, ...options });

  return {
    millrace,
    /** Resolves when it is committed. The same key, however often it is sent: one comment. */
    comment: (ticket: number, author: string, text: string, key: string) =>
      millrace.append<TicketEvent>(stream(ticket), { type: "comment", author, text }, { key }),

    /** The stream ends with it, and so does whoever follows. */
    solve: (ticket: number) =>
      millrace.append<TicketEvent>(stream(ticket), { type: "status", status: "solved" }, { close: true }),

    /** All comments, the past ones first, until the ticket is solved. */
    async *follow(ticket: number, signal?: AbortSignal) {
      const events = millrace.read<TicketEvent>(stream(ticket), { live: true, ...(signal && { signal }) });
      for await (const { cursor, at, event } of events) {
        if (event.type === "comment") yield { cursor, at: new Date(at), ...event };
      }
    },

    /** Any async iterable of texts is an answer: it goes on without readers, and can be stopped, resumed and read again. */
    summarize: (ticket: number) =>
      millrace.run(
        async function* ({ signal }) {
          yield `Ticket ${ticket}:\n`;
          for await (const { event } of millrace.read<TicketEvent>(stream(ticket), { signal })) {
            if (event.type === "comment") yield `- ${event.author}: ${event.text}\n`;
          }
        },
        { prompt: `Summarize ticket ${ticket}` },
      ),
  };
}
