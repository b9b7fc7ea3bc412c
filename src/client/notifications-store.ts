import { formatCursor, parseCursor } from "../protocol/cursor.ts";
import type { Source } from "./delivery.ts";
import type { StreamError } from "./error.ts";
import { createFeedStore, createStreamStateStore } from "./feed-store.ts";
import type { FeedEvent, FeedView } from "./feed.ts";
import {
  addMarks,
  countReadThrough,
  lastReadAll,
  muteMark,
  mutedTopics,
  readAllMarks,
  readMarks,
  topicOf,
} from "./notification-marks.ts";
import type { Mark, Marks } from "./notification-marks.ts";
import { isAhead } from "./position.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface NotificationsStoreOptions {
  source: Source;
  api: Api;
  /** A `log` stream, one for each person. What is read and muted stands in `{stream}/marks`. */
  stream: string;
  /** How many are kept. Default 1,000. */
  limit?: number | undefined;
  /** As of a feed. */
  schedule?: (show: () => void) => void;
}

/** One notification, of the type that the caller names. */
export interface NotificationEntry<T> extends FeedEvent<T> {
  readonly isRead: boolean;
  /** Its `topic` is muted: it is not counted, and not to be announced. */
  readonly isMuted: boolean;
}

export interface NotificationsView<T> {
  readonly status: FeedView<T>["status"];
  /** Oldest first; one that did not change is the same object. */
  readonly entries: readonly NotificationEntry<T>[];
  /** How many of them are neither read nor muted. */
  readonly unread: number;
  /** There are as many as are kept, and not even the oldest is read: there may be more. */
  readonly isPartial: boolean;
  readonly mutedTopics: readonly string[];
  /** As of a feed. */
  readonly cursor?: string;
  readonly received: number;
  readonly caughtUp?: { events: number; at: number };
  /** Why the last mark was not taken; what it said is shown no more. */
  readonly error?: StreamError;
}

/** The notifications of a person. What is said of them is shown at once, and is the same in every tab and on every device. Each resolves
 *  when the server has taken it, or refused it, which the view's `error` says. */
export interface NotificationsStore<T> extends Store<NotificationsView<T>> {
  markRead: (cursor: string) => Promise<void>;
  markAllRead: () => Promise<void>;
  /** What has this `topic` is not counted from now on, nor what came before. */
  mute: (topic: string) => Promise<void>;
  unmute: (topic: string) => Promise<void>;
}

/** So many of those that were read are shown again when a page is loaded. */
const MAX_READ = 100;

/** Makes the store of one person's notifications.
 *  Source: docs/guide/notifications.md. */
export function createNotificationsStore<T extends object>(
  options: NotificationsStoreOptions,
): NotificationsStore<T> {
  const { source, api, stream, limit = 1_000, schedule } = options;
  const marksStream = `${stream}/marks`;
  const common = { source, ...(schedule && { schedule }) };
  const marks = createStreamStateStore<Mark>({ ...common, stream: marksStream });
  let feed: Store<FeedView<T>> | undefined;
  /** What was said here and the stream of marks does not say yet; with a cursor once it was taken. */
  let said: { marks: readonly Mark[]; cursor?: string }[] = [];
  let error: StreamError | undefined;
  let sending = Promise.resolve();

  const store = createStore<NotificationsView<T>>(
    { status: "loading", entries: [], unread: 0, isPartial: false, mutedTopics: [], received: 0 },
    () => {
      let stopFeed: (() => void) | undefined;
      const onMarks = () => {
        // First what is read: then it is known from where on there may be something unread.
        if (stopFeed === undefined && marks.getSnapshot().status !== "loading") {
          feed ??= createFeedStore<T>({ ...common, stream, limit, after: startOf(currentMarks()) });
          stopFeed = feed.subscribe(show);
        }
        show();
      };
      const stopMarks = marks.subscribe(onMarks);
      onMarks();
      return () => {
        stopMarks();
        stopFeed?.();
      };
    },
  );

  function currentMarks() {
    return said.reduce((all, one) => addMarks(all, one.marks), marks.getSnapshot().entries);
  }

  function show(): void {
    said = said.filter(({ cursor }) => cursor === undefined || isAhead(cursor, marks.getSnapshot().cursor));
    if (feed === undefined) return;
    const { events, ...view } = feed.getSnapshot();
    const now = currentMarks();
    const topics = mutedTopics(now);
    const muted = new Set(topics);
    const readThrough = countReadThrough(
      now,
      events.map(({ cursor }) => cursor),
    );
    const former = new Map(store.getSnapshot().entries.map((entry) => [entry.cursor, entry]));
    const entries = events.map((one, index): NotificationEntry<T> => {
      const isRead = index < readThrough || now.has(one.cursor);
      const isMuted = muted.has(topicOf(one.event) ?? "");
      const known = former.get(one.cursor);
      return known?.isRead === isRead && known.isMuted === isMuted ? known : { ...one, isRead, isMuted };
    });
    store.set({
      ...view,
      entries,
      unread: entries.filter(({ isRead, isMuted }) => !isRead && !isMuted).length,
      isPartial: entries.length >= limit && entries[0]?.isRead === false,
      mutedTopics: topics,
      ...(error && { error }),
    });
  }

  function say(more: readonly Mark[]): Promise<void> {
    error = undefined;
    const one: (typeof said)[number] = { marks: more };
    said.push(one);
    // One after the other: what is said last is what holds.
    sending = sending.then(async () => {
      try {
        await api.send("PUT", `/v1/streams/${marksStream}`, { kind: "state" });
        // PROTOCOL.md "Append"
        one.cursor = (
          (await api.send("POST", `/v1/streams/${marksStream}`, more)) as { cursor: string }
        ).cursor;
      } catch (reason) {
        said = said.filter((other) => other !== one);
        error = reason as StreamError; // as `send` says
      }
      show();
    });
    show();
    return sending;
  }

  async function markAllRead(): Promise<void> {
    const { entries } = store.getSnapshot();
    const last = entries.at(-1);
    if (last === undefined || entries.every(({ isRead }) => isRead)) return;
    await say(readAllMarks(currentMarks(), last.cursor));
  }

  return {
    getSnapshot: store.getSnapshot,
    subscribe: store.subscribe,
    markAllRead,
    async markRead(cursor) {
      const { entries, status } = store.getSnapshot();
      const unread = entries.filter(({ isRead }) => !isRead);
      if (!unread.some((entry) => entry.cursor === cursor)) return;
      // The last one that was unread: one mark says it of all, and the others go.
      if (unread.length === 1) await markAllRead();
      else await say(readMarks(currentMarks(), cursor, status === "ready" ? entries : undefined));
    },
    mute: (topic) => say([muteMark(topic, true)]),
    unmute: (topic) => say([muteMark(topic, false)]),
  };
}

/** Where reading begins: a little before what is not known to be read. */
function startOf(marks: Marks): string | undefined {
  const cursor = parseCursor(lastReadAll(marks) ?? "");
  return cursor && formatCursor({ ...cursor, offset: Math.max(0, cursor.offset - MAX_READ) });
}
