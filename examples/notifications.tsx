// A person's notifications: what is read in one tab is read in all, and on the next device.
import { useClient, useNotifications } from "millrace/react";

interface Notice {
  title: string;
  /** What it is about, by which it can be muted. */
  topic?: string;
}

export function Notifications({ person }: { person: string }) {
  const stream = `notifications/${person}`;
  const { api } = useClient();
  const { entries, unread, status, mutedTopics, error, markRead, markAllRead, mute, unmute } =
    useNotifications<Notice>(stream);
  if (status === "loading") return <p>Loading</p>;
  return (
    <>
      <h2>{unread} unread</h2>
      <button onClick={() => void markAllRead()}>Mark all read</button>
      <button
        onClick={() => void api.send("POST", `/v1/streams/${stream}`, { title: "Hello", topic: "tries" })}
      >
        Send one
      </button>
      {mutedTopics.map((topic) => (
        <button key={topic} onClick={() => void unmute(topic)}>
          Unmute {topic}
        </button>
      ))}
      <ul>
        {entries.toReversed().map(({ cursor, event, isRead, isMuted }) => (
          <li key={cursor}>
            {isRead || isMuted ? event.title : <b>{event.title}</b>}
            {!isRead && <button onClick={() => void markRead(cursor)}>Read</button>}
            {event.topic && !isMuted && <button onClick={() => void mute(event.topic ?? "")}>Mute</button>}
          </li>
        ))}
      </ul>
      {error && <p role="alert">{error.message}</p>}
    </>
  );
}
