import { useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { ReactNode } from "react";
import type { Delivery, Store } from "millrace/client";
import type { StreamStateView } from "millrace/client/live";
import type { StreamKind } from "millrace/protocol";
import { useClient, useConnection } from "millrace/react";
import { SignInButton } from "../sign-in-button.tsx";

export interface WireProps {
  stream: string;
  kind: StreamKind;
  /** What is shown of it: when something comes, the line flows. */
  store: Store<Pick<StreamStateView<object>, "cursor" | "caughtUp" | "status">>;
}

const FLOW_MS = 1_200;
const LATE_MS = 8_000;
const MAX_FRAMES = 12;
const MAX_SHOWN = 400;

/** The line over whatever shows a stream: it flows while events come, is broken while the connection is away, and opens into
 *  the frames themselves. */
export function Wire({ stream, kind, store }: WireProps): ReactNode {
  const { status, error, retry } = useConnection();
  const [isOpen, setOpen] = useState(false);
  const [wasAway, setAway] = useState(false);
  if (status === "reconnecting" && !wasAway) setAway(true);
  // What comes late where a stream was only added to the connection is no news.
  const late = useLate(store) ?? "";
  const isBack = status === "open" && wasAway && late !== "";
  const isEnded = useSyncExternalStore(store.subscribe, () => store.getSnapshot().status) === "ended";
  const line = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let { cursor } = store.getSnapshot();
    // Written past React: it may be told in each frame.
    const stop = store.subscribe(() => {
      const former = cursor;
      ({ cursor } = store.getSnapshot());
      if (cursor === former) return;
      line.current?.setAttribute("data-flow", "");
      clearTimeout(timer);
      timer = setTimeout(() => line.current?.removeAttribute("data-flow"), FLOW_MS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [store]);
  return (
    <div className="live-wire" data-link={isEnded ? "ended" : status}>
      <button
        type="button"
        className="live-wire-open"
        aria-expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      >
        <span className="live-wire-line" ref={line} aria-hidden="true" />
        <span className="live-wire-name">{stream}</span>
        <span className="live-wire-state">{isEnded ? "Ended" : isBack ? late : WORDS[status]}</span>
      </button>
      {status === "refused" && (
        <button type="button" className="button is-line" onClick={retry}>
          Try again
        </button>
      )}
      {status === "refused" && error?.status === 401 && <SignInButton onSignedIn={retry} />}
      {isOpen && <Frames stream={stream} kind={kind} after={store.getSnapshot().cursor} />}
    </div>
  );
}

/** What came late after the connection had been away, for as long as one wants to know. */
function useLate(store: WireProps["store"]): string | undefined {
  const caughtUp = useSyncExternalStore(store.subscribe, () => store.getSnapshot().caughtUp);
  const [over, setOver] = useState(caughtUp);
  useEffect(() => {
    const timer = setTimeout(() => setOver(caughtUp), LATE_MS);
    return () => clearTimeout(timer);
  }, [caughtUp]);
  if (caughtUp === undefined || caughtUp === over) return undefined;
  const { events, at } = caughtUp;
  return `Back: ${events.toLocaleString("en")} caught up at ${new Date(at).toLocaleTimeString("en-GB")}`;
}

const WORDS = {
  idle: "",
  connecting: "Connecting",
  open: "Live",
  reconnecting: "Reconnecting",
  refused: "Refused",
} as const;

/** What comes over the wire from now on, as it comes. */
function Frames({
  stream,
  kind,
  after,
}: {
  stream: string;
  kind: StreamKind;
  after: string | undefined;
}): ReactNode {
  const { source } = useClient();
  const [from] = useState(after);
  const [frames, setFrames] = useState<readonly string[]>([]);
  useEffect(() => {
    let held: string[] = [];
    let frame = 0;
    const show = () => {
      frame = 0;
      const came = held;
      held = [];
      setFrames((shown) => [...shown, ...came].slice(-MAX_FRAMES));
    };
    const onDelivery = (delivery: Delivery) => {
      held = [...held.slice(1 - MAX_FRAMES), frameOf(delivery)];
      frame ||= requestAnimationFrame(show);
    };
    const stop = source.follow(stream, { kind, after: from, onDelivery });
    return () => {
      stop();
      cancelAnimationFrame(frame);
    };
  }, [source, stream, kind, from]);
  return (
    <pre className="frames" role="region" tabIndex={0} aria-label={`Frames of ${stream}`}>
      {frames.length === 0 ? "The next frame stands here." : frames.join("\n\n")}
    </pre>
  );
}

function frameOf(delivery: Delivery): string {
  const text =
    delivery.type === "event"
      ? `id: ${delivery.cursor}\ndata: ${JSON.stringify(delivery.event)}`
      : `event: stream-${delivery.type}\ndata: ${JSON.stringify({ ...delivery, type: undefined })}`;
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
