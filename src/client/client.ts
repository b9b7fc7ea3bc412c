import { createChatStore } from "./chat-store.ts";
import type { ChatStore } from "./chat-store.ts";
import { createChatsStore } from "./chats-store.ts";
import type { ChatsStore } from "./chats-store.ts";
import type { ConnectionView } from "./connection-state.ts";
import type { Source } from "./delivery.ts";
import { randomId } from "./id.ts";
import { createFeedStore, createStreamStateStore } from "./feed-store.ts";
import type { FeedOptions } from "./feed-store.ts";
import type { FeedView, StreamStateView } from "./feed.ts";
import { createKeptStores } from "./kept-stores.ts";
import { createModelsStore } from "./models-store.ts";
import type { ModelsStore } from "./models-store.ts";
import { createPresenceStore } from "./presence-store.ts";
import type { PresenceStore } from "./presence-store.ts";
import { createApi } from "./request.ts";
import type { Api } from "./request.ts";
import { createSharedSource } from "./shared-source.ts";
import type { SharedSourceOptions } from "./shared-source.ts";
import { createSignalsStore } from "./signals-store.ts";
import type { SignalsStore } from "./signals-store.ts";
import type { Store } from "./store.ts";

export interface ClientOptions extends Omit<SharedSourceOptions, "url"> {
  /** Where the server is, such as `https://example.org`. Default: the origin of the page. */
  url?: string;
  /** What it hears with. Default: one connection for all tabs of the browser. */
  source?: Source;
}

/** A server, as a page sees it: one connection, and a store for each thing that is shown. The same store for the same thing. */
export interface Client {
  readonly source: Source;
  readonly api: Api;
  readonly connection: Store<ConnectionView>;
  readonly chats: ChatsStore;
  readonly models: ModelsStore;
  chat: (id: string) => ChatStore;
  /** What others tell the readers of a stream at this moment, of one kind, of the type that the caller names. */
  signals: <Data extends object>(stream: string, kind: string) => SignalsStore<Data>;
  /** Who is present in a stream. */
  presence: <Data extends object>(stream: string) => PresenceStore<Data>;
  /** The last events of a `log` stream, of the type that the caller names. */
  feed: <T extends object>(stream: string, options?: FeedOptions) => Store<FeedView<T>>;
  /** The last event of each key of a `state` stream. */
  state: <T extends object>(stream: string, options?: FeedOptions) => Store<StreamStateView<T>>;
  /** Ends the connection. */
  close: () => void;
}

/** Chats, feeds, states, signals and presences, each, whose stores are kept while nobody shows them. */
const MAX_KEPT = 20;

/** Makes a client. It connects when something is first followed. */
export function createClient({ url = "", source: given, ...options }: ClientOptions = {}): Client {
  const source = given ?? createSharedSource({ url, ...options });
  const api = createApi({ url, ...options });
  const chats = createKeptStores<ChatStore>(MAX_KEPT);
  const signals = createKeptStores<SignalsStore<unknown>>(MAX_KEPT);
  const presences = createKeptStores<PresenceStore<unknown>>(MAX_KEPT);
  /** Two clients are two senders: of the tabs of a browser, and of two servers on one page. */
  const window = randomId();
  const feeds = createKeptStores<Store<FeedView<unknown>>>(MAX_KEPT);
  const states = createKeptStores<Store<StreamStateView<unknown>>>(MAX_KEPT);

  return {
    source,
    api,
    connection: {
      getSnapshot: () => source.connection,
      subscribe: (listener) => source.onConnection(listener),
    },
    chats: createChatsStore({ source, api }),
    models: createModelsStore(api),
    chat: (id) => chats(id, () => createChatStore({ source, api, chat: id })),
    // The type is the caller's word for what is said: stores of all types are kept together.
    signals: <Data extends object>(stream: string, kind: string) =>
      signals(`${kind} ${stream}`, () =>
        createSignalsStore({ source, api, stream, kind, window }),
      ) as SignalsStore<Data>,
    presence: <Data extends object>(stream: string) =>
      presences(stream, () => createPresenceStore({ source, api, stream })) as PresenceStore<Data>,
    // The type is the caller's word for what the stream holds: stores of all types are kept together.
    feed: <T>(stream: string, { limit }: FeedOptions = {}) =>
      feeds(`${limit} ${stream}`, () => createFeedStore({ source, stream, limit })) as Store<FeedView<T>>,
    state: <T>(stream: string, { limit }: FeedOptions = {}) =>
      states(`${limit} ${stream}`, () => createStreamStateStore({ source, stream, limit })) as Store<
        StreamStateView<T>
      >,
    close: () => source.close(),
  };
}
