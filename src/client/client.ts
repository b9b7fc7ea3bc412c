import { createChatStore } from "./chat-store.ts";
import type { ChatStore } from "./chat-store.ts";
import { createChatsStore } from "./chats-store.ts";
import type { ChatsStore } from "./chats-store.ts";
import type { ConnectionView } from "./connection-state.ts";
import type { Source } from "./delivery.ts";
import { createKeptStores } from "./kept-stores.ts";
import { createModelsStore } from "./models-store.ts";
import type { ModelsStore } from "./models-store.ts";
import { createApi } from "./request.ts";
import type { Api } from "./request.ts";
import { createSharedSource } from "./shared-source.ts";
import type { SharedSourceOptions } from "./shared-source.ts";
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
  /** Ends the connection. */
  close: () => void;
}

/** Chats whose stores are kept while nobody shows them. */
const MAX_KEPT = 20;

/** Makes a client. It connects when something is first followed. */
export function createClient({ url = "", source: given, ...options }: ClientOptions = {}): Client {
  const source = given ?? createSharedSource({ url, ...options });
  const api = createApi({ url, ...options });
  const chats = createKeptStores<ChatStore>(MAX_KEPT);

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
    close: () => source.close(),
  };
}
