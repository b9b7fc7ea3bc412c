import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { liveOf } from "millrace/client/live";
import type { NotificationEntry } from "millrace/client/live";
import { useClient, useNotifications } from "millrace/react";
import "./notif.css";
import { BASE } from "../base.ts";
import { canAnnounce, keptAnnounce, turnOff, turnOn } from "../bell-announce.ts";
import { useKept } from "../kept.ts";
import { DEMO_NOTIFICATIONS, NOTIFICATIONS } from "../notif.ts";
import { NotifRow } from "../notif-row.tsx";
import { Publish } from "./publish.tsx";
import { Wire } from "./wire.tsx";

const PAGE = 50;

/** A person's notifications: all of them, what is muted, and whether the browser announces them. */
export function Notifications(): ReactNode {
  const { api } = useClient();
  const [failure, setFailure] = useState<string>();
  async function sendOne(): Promise<void> {
    setFailure(undefined);
    try {
      const event = {
        title: "A word to yourself",
        text: "Sent from this page.",
        topic: "tries",
        at: Date.now(),
      };
      await api.send("POST", `/v1/streams/${NOTIFICATIONS}`, event);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    }
  }
  return (
    <>
      <div className="live-title">
        <h1>Notifications</h1>
        <button type="button" className="button is-line" onClick={() => void sendOne()}>
          Send yourself one
        </button>
      </div>
      <p className="live-note">
        One stream for each person. What you read or mute here is read and muted in every tab and on every
        device. Nobody signs in to this server yet, so everybody here is the same person.
      </p>
      <Announcing />
      {failure !== undefined && (
        <p className="live-error" role="alert">
          {failure}
        </p>
      )}
      <NotifPanel stream={NOTIFICATIONS} title="For you" hasEmpty />
      <Publish title="Publish this with curl" commands={noticeCommand(location.origin + BASE)} />
      <NotifPanel
        stream={DEMO_NOTIFICATIONS}
        title="Simulated"
        line="Nothing of this has happened: the demo feed makes it up, and no bell rings for it. --no-demo leaves it out."
      />
    </>
  );
}

interface NotifPanelProps {
  stream: string;
  title: string;
  line?: string;
  /** It is there while there is nothing in it, and says how something comes. Default false. */
  hasEmpty?: boolean;
}

function NotifPanel({ stream, title, line, hasEmpty = false }: NotifPanelProps): ReactNode {
  const store = liveOf(useClient()).notifications<object>(stream);
  const { entries, unread, isPartial, status, mutedTopics, error, ...commands } =
    useNotifications<object>(stream);
  const isEmpty = entries.length === 0;
  if (isEmpty && !hasEmpty) return undefined;
  const id = stream.replace("/", "-");
  return (
    <section className="panel" aria-labelledby={id}>
      <Wire stream={stream} kind="log" store={store} />
      <div className="panel-head">
        <h2 id={id}>{title}</h2>
        {line !== undefined && <p>{line}</p>}
      </div>
      <div className="notif-bar">
        <p className="notif-unread">
          <code>{`${unread.toLocaleString("en")}${isPartial ? "+" : ""} unread`}</code>
        </p>
        {mutedTopics.map((topic) => (
          <button
            key={topic}
            type="button"
            className="button is-line"
            onClick={() => void commands.unmute(topic)}
          >
            Unmute {topic}
          </button>
        ))}
        {entries.some(({ isRead }) => !isRead) && (
          <button type="button" className="button is-line" onClick={() => void commands.markAllRead()}>
            Mark all read
          </button>
        )}
      </div>
      {error !== undefined && (
        <p className="live-error" role="alert">
          {error.message}
        </p>
      )}
      {isEmpty && status !== "loading" && (
        <p className="nothing">
          What is published to <code>{stream}</code> stands here, and under the bell on every page. Send
          yourself one, or publish one with the command below.
        </p>
      )}
      {!isEmpty && <NotifList entries={entries} onRead={commands.markRead} onMute={commands.mute} />}
    </section>
  );
}

interface NotifListProps {
  entries: readonly NotificationEntry<object>[];
  onRead: (cursor: string) => Promise<void>;
  onMute: (topic: string) => Promise<void>;
}

/** The newest first, a page at a time: however many there are, so many are drawn. */
function NotifList({ entries, onRead, onMute }: NotifListProps): ReactNode {
  const [pages, setPages] = useState(1);
  const [first] = useState(() => new Set(entries.map(({ cursor }) => cursor)));
  const shown = entries.slice(-pages * PAGE).toReversed();
  const left = entries.length - shown.length;
  return (
    <>
      <ul className="notif-list">
        {shown.map((entry) => (
          <NotifRow
            key={entry.cursor}
            entry={entry}
            isNews={!first.has(entry.cursor)}
            onRead={onRead}
            onMute={onMute}
          />
        ))}
      </ul>
      {left > 0 && (
        <button type="button" className="button is-line notif-more" onClick={() => setPages(pages + 1)}>
          Show {Math.min(PAGE, left)} more of {left.toLocaleString("en")}
        </button>
      )}
    </>
  );
}

/** The browser asks for permission when a person turns it on, and not before. */
function Announcing(): ReactNode {
  const isOn = useKept(keptAnnounce) === "on";
  const [isRefused, setRefused] = useState(false);
  const [isPossible, setPossible] = useState(false);
  useEffect(() => setPossible(canAnnounce()), []);
  if (!isPossible) return undefined;
  async function change(): Promise<void> {
    if (isOn) turnOff();
    else setRefused(!(await turnOn()));
  }
  return (
    <label className="notif-announce">
      <input type="checkbox" checked={isOn} onChange={() => void change()} />
      <span>
        Let the browser announce them while no page of Millrace is looked at
        {isRefused && <em>This browser refuses. Allow notifications in its settings for this site.</em>}
      </span>
    </label>
  );
}

function noticeCommand(origin: string): string {
  const event = JSON.stringify({ title: "Build 42 failed", text: "2 of 618 tests", topic: "builds" });
  return `curl -sX POST ${origin}/v1/streams/${NOTIFICATIONS} -H 'Content-Type: application/json' \\\n  -d '${event}'`;
}
