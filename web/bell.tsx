import { useRef } from "react";
import type { ReactNode } from "react";
import { useNotifications } from "millrace/react";
import "./bell.css";
import { addressOf } from "./base.ts";
import { BellToasts } from "./bell-toasts.tsx";
import { useCountInTitle } from "./bell-title.ts";
import { Icon } from "./icons.tsx";
import { NOTIFICATIONS, sayCount } from "./notif.ts";
import { NotifRow } from "./notif-row.tsx";

const SHOWN = 6;

/** The bell on every page: how many are unread, the last of them, and what has just come. */
export function Bell(): ReactNode {
  const view = useNotifications<object>(NOTIFICATIONS);
  const { entries, unread, isPartial, status, error, markRead, markAllRead } = view;
  const list = useRef<HTMLDivElement>(null);
  const count = unread === 0 ? "" : sayCount(unread, isPartial);
  useCountInTitle(count);
  return (
    <>
      <button
        type="button"
        className="button is-icon bell"
        aria-label={count === "" ? "Notifications" : `Notifications, ${count} unread`}
        popoverTarget="bell-list"
      >
        <Icon name="bell" />
        {count !== "" && (
          <span className="bell-count" aria-hidden="true">
            {count}
          </span>
        )}
      </button>
      <div
        className="bell-list"
        id="bell-list"
        ref={list}
        popover="auto"
        role="group"
        aria-label="Notifications"
      >
        <div className="bell-head">
          <h2>Notifications</h2>
          {entries.some(({ isRead }) => !isRead) && (
            <button type="button" className="button is-plain" onClick={() => void markAllRead()}>
              Mark all read
            </button>
          )}
        </div>
        {entries.length === 0 && status !== "loading" && (
          <p className="bell-none">Nothing has come for you yet.</p>
        )}
        <ul className="notif-list">
          {entries
            .slice(-SHOWN)
            .toReversed()
            .map((entry) => (
              <NotifRow key={entry.cursor} entry={entry} onRead={markRead} />
            ))}
        </ul>
        {error !== undefined && (
          <p className="bell-none is-failed" role="alert">
            {error.message}
          </p>
        )}
        <a className="bell-all" href={addressOf("/live/notifications")}>
          See all, mute, be told when away
        </a>
      </div>
      {status !== "loading" && <BellToasts entries={entries} received={view.received} onRead={markRead} />}
    </>
  );
}
