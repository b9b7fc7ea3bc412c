import { useEffect, useLayoutEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { WireEvent } from "millrace/client";
import { chatStream } from "millrace/protocol";
import { useClient, useConnection } from "millrace/react";
import { Icon } from "./icons.tsx";
import { WireCodes } from "./wire-codes.tsx";
import { EMPTY_RECORD, recordWire, viewWire } from "./wire-record.ts";
import type { StreamRecord, WireRecord } from "./wire-record.ts";
import { WireRows } from "./wire-rows.tsx";
import { formatBytes } from "./words.ts";

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
  const { record, clear } = useWireRecord();
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

function describe({ frames, bytes, faults }: StreamRecord, cuts: number): string {
  const parts = [
    `${frames.toLocaleString("en-US")} ${frames === 1 ? "frame" : "frames"}`,
    formatBytes(bytes),
  ];
  if (faults > 0) parts.push(`${faults} out of order`);
  if (cuts > 0) parts.push(`${cuts} ${cuts === 1 ? "cut" : "cuts"}`);
  return parts.join(" · ");
}

function useWireRecord(): { record: WireRecord; clear: () => void } {
  const { source } = useClient();
  const [record, setRecord] = useState(EMPTY_RECORD);
  useEffect(() => {
    let arrived: WireEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = () => {
      const news = arrived;
      arrived = [];
      timer = undefined;
      setRecord((former) => recordWire(former, news));
    };
    const stop = source.onWire((event) => {
      arrived.push(event);
      timer ??= setTimeout(show, SHOW_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [source]);
  return { record, clear: () => setRecord(EMPTY_RECORD) };
}
