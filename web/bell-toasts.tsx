import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import type { NotificationEntry } from "millrace/client/live";
import { addressOf } from "./base.ts";
import { announce, holdWhileVisible, standToAnnounce } from "./bell-announce.ts";
import { Icon } from "./icons.tsx";
import { readNotice } from "./notif.ts";
import { NotifTitle } from "./notif-title.tsx";

export interface BellToastsProps {
  entries: readonly NotificationEntry<object>[];
  received: number;
  onRead: (cursor: string) => Promise<void>;
}

/** What has come and was not looked at yet. */
interface News {
  entries: readonly NotificationEntry<object>[];
  count: number;
}

const NONE: News = { entries: [], count: 0 };
/** More than so many at once are one toast that says how many. */
const MAX_TOASTS = 3;
const SHOWN_MS = 8_000;
const PLACE = addressOf("/live/notifications");

/** What comes while somebody looks at the page is shown for a moment; what comes while nobody does is announced by the browser, where
 *  that was asked for. What was there before is neither; what a page missed while its connection was away is news to it. */
export function BellToasts({ entries, received, onRead }: BellToastsProps): ReactNode {
  const [news, setNews] = useState(NONE);
  const last = useRef({ cursor: entries.at(-1)?.cursor, received });
  useEffect(holdWhileVisible, []);
  useEffect(standToAnnounce, []);
  useEffect(() => {
    const { cursor, received: before } = last.current;
    last.current = { cursor: entries.at(-1)?.cursor, received };
    const fresh = entries
      .slice(entries.findLastIndex((entry) => entry.cursor === cursor) + 1)
      .filter(({ isRead, isMuted, ...entry }) => !isRead && !isMuted && !isToldAgain(entry, cursor));
    if (fresh.length === 0) return;
    if (document.visibilityState === "hidden") {
      void announce(fresh);
      return;
    }
    // Where they are listed they show themselves.
    if (location.pathname.startsWith(PLACE)) return;
    // Of more than are kept only the number is known.
    const count = fresh.length === entries.length ? received - before : fresh.length;
    setNews((shown) => ({
      entries: [...shown.entries, ...fresh].slice(-MAX_TOASTS),
      count: shown.count + count,
    }));
  }, [entries, received]);
  useEffect(() => {
    if (news === NONE) return undefined;
    const timer = setTimeout(() => setNews(NONE), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [news]);

  const close = () => setNews(NONE);
  return (
    <div className="bell-toasts" role="log" aria-label="New notifications">
      {news.count > MAX_TOASTS ? (
        <Toast title={`${news.count.toLocaleString("en")} new notifications`} href={PLACE} onClose={close} />
      ) : (
        news.entries.map(({ cursor, event }) => (
          <Toast
            key={cursor}
            {...readNotice(event)}
            onRead={() => onRead(cursor)}
            onClose={() =>
              setNews((shown) => {
                const left = shown.entries.filter((entry) => entry.cursor !== cursor);
                return left.length === 0 ? NONE : { entries: left, count: left.length };
              })
            }
          />
        ))
      )}
    </div>
  );
}

/** Whether it stood in the stream before: one that was made anew or restored is read from its start. */
function isToldAgain({ cursor, isReplay }: { cursor: string; isReplay: boolean }, last: string | undefined) {
  const epoch = last?.split(".", 1)[0];
  return isReplay && epoch !== undefined && !cursor.startsWith(`${epoch}.`);
}

const sayNothing = () => Promise.resolve();

interface ToastProps {
  title: string;
  text?: string;
  href?: string;
  onRead?: () => Promise<void>;
  onClose: () => void;
}

function Toast({ title, text, href, onRead = sayNothing, onClose }: ToastProps): ReactNode {
  return (
    <div className="bell-toast">
      <div className="notif-body">
        <p className="notif-title">
          <NotifTitle title={title} href={href} onRead={onRead} />
        </p>
        {text !== undefined && <p className="notif-text">{text}</p>}
      </div>
      <button type="button" className="button is-icon" aria-label="Close" onClick={onClose}>
        <Icon name="close" />
      </button>
    </div>
  );
}
