import { useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import type { Store } from "millrace/client";
import { liveOf } from "millrace/client/live";
import type { FeedView } from "millrace/client/live";
import { parseCursor } from "millrace/protocol";
import { useClient, useFeed } from "millrace/react";
import type { Outbox, Outgoing } from "./outbox.ts";
import { logOf } from "./place.ts";
import type { TicketName } from "./place.ts";
import { foldThread, summaryOf } from "./thread.ts";
import type { Thread } from "./thread.ts";
import type { Ticket } from "./ticket.ts";

/** A ticket that is open on the page. */
export interface OpenTicket {
  stream: string;
  status: "loading" | "ready" | "ended";
  /** As the log says it, and what was written here and is on its way. */
  thread: Thread;
  /** What was not taken. */
  failed: readonly Outgoing[];
  /** Which lines are on their way, by their id. */
  sending: ReadonlySet<string>;
  /** Why the list could not be told. */
  error?: string;
  store: Store<FeedView<object>>;
}

/** As many as a log keeps. */
const WHOLE = { limit: 10_000 };
/** How long whoever wrote has to tell the list, before whoever sees that it is behind does. */
const MEND_MS = 2_000;

/** Follows a ticket's log. The log is the truth, and the list says what it says: whoever writes tells the list, and whoever has the
 *  ticket open and sees the list behind mends it. `listed`: what the list says; undefined while it has no such ticket. */
export function useTicket(
  name: TicketName,
  listed: { isReady: boolean; ticket: Ticket | undefined },
  outbox: Outbox,
): OpenTicket {
  const stream = logOf(name);
  const store = liveOf(useClient()).feed<object>(stream, WHOLE);
  const { events, status } = useFeed<object>(stream, WHOLE);
  const all = useSyncExternalStore(outbox.subscribe, outbox.getSnapshot);
  const logged = useMemo(() => foldThread(events), [events]);
  const known = useMemo(() => new Set(logged.lines.flatMap(({ id }) => id ?? [])), [logged]);
  const outgoing = all.filter((one) => one.stream === stream && !known.has(one.id));
  const sending = outgoing.filter(({ error }) => error === undefined);
  const thread = foldThread([...events, ...sending.flatMap((one) => one.events.map((event) => ({ event })))]);

  useEffect(() => {
    for (const { id, stream: of } of all) if (of === stream && known.has(id)) outbox.drop(id);
  }, [all, known, outbox, stream]);
  const error = useMended(name, status === "ready" ? logged : undefined, listed, outbox);
  return {
    stream,
    status,
    thread,
    failed: outgoing.filter((one) => one.error !== undefined),
    sending: new Set(sending.map(({ id }) => id)),
    ...(error !== undefined && { error }),
    store,
  };
}

/** Tells the list what the log says, where it says something else. Returns why that failed. */
function useMended(
  { list, key }: TicketName,
  logged: Thread | undefined,
  { isReady, ticket }: { isReady: boolean; ticket: Ticket | undefined },
  outbox: Outbox,
): string | undefined {
  const [error, setError] = useState<string>();
  /** Who was in the list and is no longer was taken out of it. */
  const wasListed = useRef(false);
  if (ticket !== undefined) wasListed.current = true;
  const isWritten = logged !== undefined && logged.lines.length > 0;
  const isRemoved = ticket === undefined && wasListed.current;
  const isBehind =
    isReady && isWritten && !isRemoved && !isAhead(ticket, logged) && !isSame(ticket, key, logged);
  useEffect(() => {
    if (!isBehind || logged === undefined) return undefined;
    const isOwn = outbox.isOwn(logged.lines.at(-1)?.id);
    const publish = () => {
      outbox.publish(list, summaryOf(key, logged, ticket)).then(
        () => setError(undefined),
        (reason: unknown) => setError(reason instanceof Error ? reason.message : String(reason)),
      );
    };
    const timer = setTimeout(publish, isOwn ? 0 : MEND_MS * (1 + Math.random()));
    return () => clearTimeout(timer);
  }, [isBehind, key, list, logged, outbox, ticket]);
  return error;
}

/** Whether the list has seen more of the log than this page has. */
function isAhead(ticket: Ticket | undefined, { cursor }: Thread): boolean {
  const listed = parseCursor(ticket?.cursor ?? "");
  const own = parseCursor(cursor ?? "");
  return listed !== undefined && own?.epoch === listed.epoch && listed.offset > own.offset;
}

function isSame(ticket: Ticket | undefined, key: string, thread: Thread): boolean {
  return JSON.stringify(ticket) === JSON.stringify(summaryOf(key, thread, ticket));
}
