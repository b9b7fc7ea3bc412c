import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { PresenceView } from "millrace/client/live";
import { usePresence, useTyping } from "millrace/react";
import { Publish } from "../publish.tsx";
import { Wire } from "../wire.tsx";
import { replyCommand } from "./commands.ts";
import type { Outbox } from "./outbox.ts";
import type { TicketName } from "./place.ts";
import { markRead, useInSight } from "./reading.ts";
import { ReplyBox } from "./reply-box.tsx";
import { ThreadLog } from "./thread-log.tsx";
import type { ThreadEvent, ThreadLine } from "./thread.ts";
import { TicketTools } from "./ticket-tools.tsx";
import type { AgentHere } from "./ticket-tools.tsx";
import type { Side, Ticket } from "./ticket.ts";
import { TypingLine } from "./typing-line.tsx";
import type { Typist } from "./typing-line.tsx";
import { useTicket } from "./use-ticket.ts";

export interface TicketViewProps {
  side: Side;
  name: TicketName;
  /** What the list says of it. */
  listed: { isReady: boolean; ticket: Ticket | undefined };
  outbox: Outbox;
  /** What the person at this page is called. */
  me: string;
  agents: PresenceView<AgentHere>;
}

const NEWS_MS = 8_000;

/** One ticket, from either side: what was said, who is here, who types, and where to reply. */
export function TicketView({ side, name, listed, outbox, me, agents }: TicketViewProps): ReactNode {
  const { stream, status, thread, failed, sending, error, store } = useTicket(name, listed, outbox);
  const customer = thread.customer ?? listed.ticket?.customer ?? (side === "customer" ? me : "Customer");
  const own = side === "customer" ? customer : me;
  const { typing, type, stop } = useTyping<Typist>(stream);
  const customers = usePresence<{ name: string }>(stream, side === "customer" ? { name: own } : undefined);
  const news = useNews(thread.lines, status === "ready", outbox);
  const isInSight = useInSight();
  useEffect(() => {
    if (isInSight && status === "ready") markRead(side, stream, thread.messages);
  });
  const heading = useHeadingFocus(stream);
  const act = (...events: ThreadEvent[]) => outbox.send(stream, events);
  const isClosed = thread.status === "closed";
  function reply(text: string): void {
    const said: ThreadEvent = { type: "ticket-reply", from: side, name: own, text };
    if (isClosed) act({ type: "ticket-reopen", from: side, name: own }, said);
    else act(said);
  }
  const isUnknown = status !== "loading" && thread.lines.length === 0 && listed.ticket === undefined;
  return (
    <section className="support-ticket" aria-labelledby="support-subject">
      <Wire stream={stream} kind="log" store={store} />
      <h2 id="support-subject" tabIndex={-1} ref={heading}>
        {thread.subject ?? listed.ticket?.subject ?? (isUnknown ? "No such ticket" : "Ticket")}
      </h2>
      {isUnknown ? (
        <p className="nothing">There is no ticket at this address, or it was deleted.</p>
      ) : (
        <>
          <TicketTools
            {...{ side, stream, thread, customer, agents }}
            me={own}
            isHere={customers.count > 0}
            isEnded={status === "ended"}
            onAct={act}
          />
          <p className="support-news" role="status">
            {news !== undefined && <span key={news}>Ticket updated: {news}</span>}
          </p>
          {status !== "loading" && (
            <ThreadLog
              key={stream}
              {...{ side, sending, failed }}
              lines={thread.lines}
              onRetry={outbox.retry}
              onDrop={outbox.drop}
            />
          )}
          <TypingLine typing={typing} />
          {error !== undefined && (
            <p className="support-why" role="status">
              It is in the ticket, but the list could not be told. {error}
            </p>
          )}
          {status === "ended" ? (
            <p className="nothing">This ticket was deleted. What was said stays here until you leave.</p>
          ) : (
            <ReplyBox
              key={stream}
              draft={`support ${side} ${stream}`}
              isClosed={isClosed}
              onType={(text) => (text.trim() === "" ? stop() : type({ role: side, name: own }))}
              onSend={reply}
            />
          )}
          <Publish
            title={side === "customer" ? "Answer this with curl" : "Write as the customer with curl"}
            commands={replyCommand(location.origin, stream, side === "customer" ? "agent" : "customer")}
            isFolded
          />
        </>
      )}
    </section>
  );
}

/** What somebody in another window has done to the ticket, for as long as it is news. Messages are none: they stand in the log. */
function useNews(lines: readonly ThreadLine[], isReady: boolean, outbox: Outbox): string | undefined {
  const seen = useRef<number>(undefined);
  const [news, setNews] = useState<string>();
  useEffect(() => {
    if (!isReady) return;
    const from = seen.current ?? lines.length;
    seen.current = lines.length;
    const last = lines.slice(from).findLast(({ type, id }) => type === "change" && !outbox.isOwn(id));
    if (last !== undefined) setNews(`${last.name} ${last.text}.`);
  }, [lines, isReady, outbox]);
  useEffect(() => {
    const timer = setTimeout(() => setNews(undefined), NEWS_MS);
    return () => clearTimeout(timer);
  }, [news, lines.length]);
  return news;
}

/** Takes the focus along when a person goes from one ticket to another, where a screen reader goes on. */
function useHeadingFocus(stream: string) {
  const heading = useRef<HTMLHeadingElement>(null);
  useLayoutEffect(() => {
    if (document.activeElement !== document.body) heading.current?.focus({ preventScroll: true });
  }, [stream]);
  return heading;
}
