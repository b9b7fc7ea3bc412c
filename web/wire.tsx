import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { Delivery, WireEvent } from "millrace/client";
import { chatStream } from "millrace/protocol";
import { useClient, useConnection } from "millrace/react";
import { Icon } from "./icons.tsx";
import { WireCodes } from "./wire-codes.tsx";
import { EMPTY_RECORD, recordWire, viewWire } from "./wire-record.ts";
import type { ReadEvent, StreamRecord, WireRecord } from "./wire-record.ts";
import { WireRows } from "./wire-rows.tsx";
import { count, formatBytes, formatCount } from "./words.ts";

export interface WireProps {
  chat: string | undefined;
  onClose: () => void;
}

/** What has come is shown together, so often. */
const SHOW_MS = 50;
/** Long enough for the page to say what it says of a cut. */
const CUT_MS = 4_000;

/** The wire of a chat as it is: its frames as they arrive, what happens to the connection, and how to read it elsewhere. */
export function Wire({ chat, onClose }: WireProps): ReactNode {
  const { source } = useClient();
  const connection = useConnection();
  const { record, clear } = useWireRecord(chat);
  const view = viewWire(record, chat === undefined ? undefined : chatStream(chat));

  return (
    <aside className="wire" id="wire" aria-label="Wire" data-link={connection.status}>
      <header className="wire-head">
        <h2>Wire</h2>
        <p className="wire-totals">{describe(view, record.cuts)}</p>
        <button type="button" className="button is-icon" aria-label="Close the wire" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <Scroller seen={record.seen}>
        {view.rows.length === 0 ? <NoFrames chat={chat} /> : <WireRows rows={view.rows} />}
      </Scroller>
      <footer className="wire-foot">
        <div className="wire-tools">
          <button
            type="button"
            className="button is-line"
            aria-disabled={connection.status !== "open"}
            onClick={() => connection.status === "open" && source.cut(CUT_MS)}
          >
            <Icon name="cut" />
            Cut the wire
          </button>
          <button type="button" className="button is-plain" onClick={clear}>
            Clear
          </button>
        </div>
        {chat !== undefined && <WireCodes chat={chat} cursor={view.cursor} />}
      </footer>
    </aside>
  );
}

function NoFrames({ chat }: { chat: string | undefined }): ReactNode {
  return (
    <p className="wire-none">
      Frames stand here as they arrive. {chat === undefined ? "Ask something" : "Ask, or cut the wire"}, and
      watch.
    </p>
  );
}

/** Keeps its end in sight, as long as the reader is there. */
function Scroller({ seen, children }: { seen: number; children: ReactNode }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const isAtEnd = useRef(true);
  useLayoutEffect(() => {
    if (place.current !== null && isAtEnd.current) place.current.scrollTop = place.current.scrollHeight;
  }, [seen]);
  return (
    <div
      className="wire-rows"
      ref={place}
      role="group"
      aria-label="Frames"
      tabIndex={0}
      onScroll={({ currentTarget: { scrollTop, scrollHeight, clientHeight } }) => {
        isAtEnd.current = scrollHeight - clientHeight - scrollTop < 24;
      }}
    >
      {children}
    </div>
  );
}

function describe({ frames, bytes, faults, reads }: StreamRecord, cuts: number): string {
  const parts = [count(frames, "frame"), formatBytes(bytes)];
  if (reads > 0) parts.push(`${formatCount(reads)} read before`);
  if (faults > 0) parts.push(`${faults} out of order`);
  if (cuts > 0) parts.push(`${cuts} ${cuts === 1 ? "cut" : "cuts"}`);
  return parts.join(" · ");
}

function useWireRecord(chat: string | undefined): { record: WireRecord; clear: () => void } {
  const { source } = useClient();
  const [record, setRecord] = useState(EMPTY_RECORD);
  const take = useTogether(setRecord);
  useEffect(() => source.onWire(take), [source, take]);
  useEffect(() => {
    if (chat === undefined) return undefined;
    const stream = chatStream(chat);
    // Where another tab holds the wire, the beginning of a chat is read beside it.
    const onDelivery = (delivery: Delivery) => {
      if (delivery.type !== "event" || !delivery.isReplay) return;
      take({ type: "read", at: Date.now(), stream, cursor: delivery.cursor, event: delivery.event });
    };
    return source.follow(stream, { kind: "chat", onDelivery });
  }, [source, take, chat]);
  return { record, clear: () => setRecord(EMPTY_RECORD) };
}

/** Shows what comes together in one turn. */
function useTogether(
  setRecord: (change: (former: WireRecord) => WireRecord) => void,
): (event: WireEvent | ReadEvent) => void {
  const arrived = useRef<(WireEvent | ReadEvent)[]>([]);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  return useCallback(
    (event) => {
      arrived.current.push(event);
      timer.current ??= setTimeout(() => {
        const news = arrived.current;
        arrived.current = [];
        timer.current = undefined;
        setRecord((former) => recordWire(former, news));
      }, SHOW_MS);
    },
    [setRecord],
  );
}
