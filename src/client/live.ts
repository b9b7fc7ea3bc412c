import type { Client } from "./client.ts";
import { createFeedStore, createStreamStateStore } from "./feed-store.ts";
import type { FeedOptions } from "./feed-store.ts";
import type { FeedView, StreamStateView } from "./feed.ts";
import { createKeptStores } from "./kept-stores.ts";
import { createNotificationsStore } from "./notifications-store.ts";
import type { NotificationsStore } from "./notifications-store.ts";
import { createPresenceStore } from "./presence-store.ts";
import type { PresenceStore } from "./presence-store.ts";
import { randomId } from "./id.ts";
import { createSignalsStore } from "./signals-store.ts";
import type { SignalsStore } from "./signals-store.ts";
import type { Store } from "./store.ts";

export type { FeedEvent, FeedView, StreamStateView } from "./feed.ts";
export { createFeedStore, createStreamStateStore } from "./feed-store.ts";
export type { FeedOptions, FeedStoreOptions } from "./feed-store.ts";
export { createNotificationsStore } from "./notifications-store.ts";
export type {
  NotificationEntry,
  NotificationsStore,
  NotificationsStoreOptions,
  NotificationsView,
} from "./notifications-store.ts";
export { createPresenceStore } from "./presence-store.ts";
export type { Person, PresenceStore, PresenceStoreOptions, PresenceView } from "./presence-store.ts";
export { createSignalsStore } from "./signals-store.ts";
export type { HeardSignal, SignalsStore, SignalsStoreOptions } from "./signals-store.ts";

/** What a page shows beside chats: feeds, and what others do at this moment. The same store for the same thing. */
export interface Live {
  /** The last events of a `log` stream, of the type that the caller names. */
  feed: <T extends object>(stream: string, options?: FeedOptions) => Store<FeedView<T>>;
  /** The last event of each key of a `state` stream. */
  state: <T extends object>(stream: string, options?: FeedOptions) => Store<StreamStateView<T>>;
  /** The notifications of a person, with what is read and muted, of the type that the caller names. */
  notifications: <T extends object>(stream: string) => NotificationsStore<T>;
  /** What others tell the readers of a stream at this moment, of one kind, of the type that the caller names. */
  signals: <Data extends object>(stream: string, kind: string) => SignalsStore<Data>;
  /** Who is present in a stream. */
  presence: <Data extends object>(stream: string) => PresenceStore<Data>;
}

/** Feeds, states, notifications, signals and presences, each, whose stores are kept while nobody shows them. */
const MAX_KEPT = 20;
const lives = new WeakMap<Client, Live>();

/** The live side of a client, always the same one. Apart from the client, so that a page that shows chats alone does not load it. */
export function liveOf(client: Client): Live {
  const known = lives.get(client);
  if (known !== undefined) return known;
  const live = createLive(client);
  lives.set(client, live);
  return live;
}

function createLive({ source, api }: Client): Live {
  const feeds = createKeptStores<Store<FeedView<unknown>>>(MAX_KEPT);
  const states = createKeptStores<Store<StreamStateView<unknown>>>(MAX_KEPT);
  const notifications = createKeptStores<NotificationsStore<object>>(MAX_KEPT);
  const signals = createKeptStores<SignalsStore<unknown>>(MAX_KEPT);
  const presences = createKeptStores<PresenceStore<unknown>>(MAX_KEPT);
  /** Two clients are two senders: of the tabs of a browser, and of two servers on one page. */
  const window = randomId();

  // The type is the caller's word for what a stream holds: stores of all types are kept together.
  return {
    feed: <T>(stream: string, { limit }: FeedOptions = {}) =>
      feeds(`${limit} ${stream}`, () => createFeedStore({ source, stream, limit })) as Store<FeedView<T>>,
    state: <T>(stream: string, { limit }: FeedOptions = {}) =>
      states(`${limit} ${stream}`, () => createStreamStateStore({ source, stream, limit })) as Store<
        StreamStateView<T>
      >,
    notifications: <T extends object>(stream: string) =>
      notifications(stream, () => createNotificationsStore({ source, api, stream })) as NotificationsStore<T>,
    signals: <Data>(stream: string, kind: string) =>
      signals(`${kind} ${stream}`, () =>
        createSignalsStore({ source, api, stream, kind, window }),
      ) as SignalsStore<Data>,
    presence: <Data>(stream: string) =>
      presences(stream, () => createPresenceStore({ source, api, stream })) as PresenceStore<Data>,
  };
}
