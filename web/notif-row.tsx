import { memo } from "react";
import type { ReactNode } from "react";
import type { NotificationEntry } from "millrace/client/live";
import { Icon } from "./icons.tsx";
import { useArrived } from "./live/changed.ts";
import { readNotice } from "./notif.ts";
import { NotifTitle } from "./notif-title.tsx";

export interface NotifRowProps {
  entry: NotificationEntry<object>;
  /** It came while the list was shown. Default false. */
  isNews?: boolean;
  onRead: (cursor: string) => Promise<void>;
  /** Without it nothing is muted from here. */
  onMute?: ((topic: string) => Promise<void>) | undefined;
}

/** One notification. What leads elsewhere is read by being followed. */
export const NotifRow = memo(function NotifRow({
  entry,
  isNews = false,
  onRead,
  onMute,
}: NotifRowProps): ReactNode {
  const { cursor, isRead, isMuted } = entry;
  const { title, text, topic, href, at } = readNotice(entry.event);
  const ref = useArrived<HTMLLIElement>(isNews);
  return (
    <li className="notif-row" ref={ref} data-read={isRead} data-muted={isMuted}>
      <div className="notif-body">
        <p className="notif-title">
          <NotifTitle title={title} href={href} onRead={() => onRead(cursor)} />
          {!isRead && !isMuted && <span className="unseen">, unread</span>}
        </p>
        {text !== undefined && <p className="notif-text">{text}</p>}
        <p className="notif-meta">
          {[
            isMuted && "Muted",
            topic,
            at !== undefined &&
              new Date(at).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" }),
          ]
            .filter((part) => part !== undefined && part !== false)
            .join(" · ")}
        </p>
      </div>
      <div className="notif-tools">
        {onMute !== undefined && topic !== undefined && !isMuted && (
          <button type="button" className="button is-plain" onClick={() => void onMute(topic)}>
            Mute {topic}
          </button>
        )}
        {!isRead && (
          <button
            type="button"
            className="button is-icon"
            aria-label={`Mark read: ${title}`}
            title="Mark read"
            onClick={() => void onRead(cursor)}
          >
            <Icon name="check" />
          </button>
        )}
      </div>
    </li>
  );
});
