import { useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { Outgoing } from "./outbox.ts";
import type { ThreadLine } from "./thread.ts";
import { Time } from "./time.tsx";
import type { Side } from "./ticket.ts";

export interface ThreadLogProps {
  side: Side;
  lines: readonly ThreadLine[];
  sending: ReadonlySet<string>;
  failed: readonly Outgoing[];
  onRetry: (id: string) => void;
  onDrop: (id: string) => void;
}

const STEP = 200;
/** As near to the end as this counts as being there. */
const NEAR_PX = 32;

/** What was said and done, the latest at the foot, which stays in sight for a reader who is there. */
export function ThreadLog({ side, lines, sending, failed, onRetry, onDrop }: ThreadLogProps): ReactNode {
  const log = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  const [seen, setSeen] = useState<number>();
  const [shown, setShown] = useState(STEP);
  useLayoutEffect(() => {
    if (isAtEnd.current && log.current !== null) log.current.scrollTop = log.current.scrollHeight;
  }, [lines.length, failed.length]);
  function onScroll(): void {
    if (log.current === null) return;
    const { scrollHeight, scrollTop, clientHeight } = log.current;
    isAtEnd.current = scrollHeight - scrollTop - clientHeight <= NEAR_PX;
    setSeen(isAtEnd.current ? undefined : (former) => former ?? lines.length);
  }
  function toEnd(): void {
    log.current?.scrollTo({ top: log.current.scrollHeight });
  }
  const hidden = Math.max(0, lines.length - shown);
  const fresh = seen === undefined ? 0 : lines.length - seen;
  return (
    <div className="support-thread">
      <div
        className="support-log"
        role="log"
        aria-label="Messages"
        tabIndex={0}
        ref={log}
        onScroll={onScroll}
      >
        {hidden > 0 && (
          <button type="button" className="button is-line" onClick={() => setShown(shown + STEP)}>
            {Math.min(hidden, STEP)} earlier
          </button>
        )}
        {lines.slice(hidden).map((line, index) => (
          <Line key={hidden + index} line={line} side={side} isSending={sending.has(line.id ?? "")} />
        ))}
        {failed.map(({ id, events, error }) => (
          <div key={id} className="support-failed">
            <p>{events.map((event) => ("text" in event ? event.text : "")).join("")}</p>
            <p className="support-why">Not sent. {error}</p>
            <button type="button" className="button is-line" onClick={() => onRetry(id)}>
              Send again
            </button>
            <button type="button" className="button is-plain" onClick={() => onDrop(id)}>
              Discard
            </button>
          </div>
        ))}
      </div>
      {seen !== undefined && (
        <button type="button" className="button is-line support-latest" onClick={toEnd}>
          {fresh > 0 ? `${fresh} new below` : "To the latest"}
        </button>
      )}
    </div>
  );
}

function Line({ line, side, isSending }: { line: ThreadLine; side: Side; isSending: boolean }): ReactNode {
  const { type, from, name, text, at } = line;
  if (type === "change") {
    return (
      <p className="support-change" data-sending={isSending}>
        {name} {text} <Time at={at} />
      </p>
    );
  }
  return (
    <div className="support-message" data-own={from === side} data-sending={isSending}>
      <p className="support-who">
        <b>{name}</b>
        {from === "agent" && <span>Agent</span>}
        {isSending ? <span>Sending</span> : <Time at={at} />}
      </p>
      <p className="support-text">{text}</p>
    </div>
  );
}
