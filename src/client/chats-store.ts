import type { EndReason } from "../protocol/event.ts";
import type { Delivery, Source } from "./delivery.ts";
import { StreamError } from "./error.ts";
import { nextFrame } from "./frame.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface ChatsStoreOptions {
  source: Source;
  api: Api;
  /** When what has come is shown. Default: with the next frame. */
  schedule?: (show: () => void) => void;
}

/** One chat of the list. */
export interface ChatListEntry {
  readonly id: string;
  readonly title?: string;
  /** Unix milliseconds. */
  readonly at: number;
  readonly updatedAt: number;
  readonly messages: number;
  /** The run that is open in it. */
  readonly run?: string;
  /** How the last answer ended. */
  readonly reason?: EndReason;
}

export interface ChatsView {
  readonly status: "loading" | "ready";
  /** The one that was written to last comes first. */
  readonly chats: readonly ChatListEntry[];
  /** Why the list cannot be found; gone when it can. One that is not retryable is tried again by `refresh` alone. */
  readonly error?: StreamError;
}

/** A chat that was found. Shape: `GET /v1/chats?q=` in PROTOCOL.md. */
export interface FoundChat {
  chat: string;
  title?: string;
  snippet?: string;
  message?: string;
  updatedAt: number;
}

/** The live list of a person's chats. Commands reject with a `StreamError`. */
export interface ChatsStore extends Store<ChatsView> {
  /** Makes a chat; resolves with its name. */
  create: (settings?: { title?: string; system?: string }) => Promise<string>;
  rename: (chat: string, title: string) => Promise<void>;
  /** It can be restored for 30 seconds. */
  delete: (chat: string) => Promise<void>;
  restore: (chat: string) => Promise<void>;
  search: (words: string, signal?: AbortSignal) => Promise<FoundChat[]>;
  /** Looks for the list again now, where it was not found. */
  refresh: () => void;
}

const RETRY_MS = 2_000;

export function createChatsStore({ source, api, schedule = nextFrame }: ChatsStoreOptions): ChatsStore {
  const entries = new Map<string, ChatListEntry>();
  let cursor: string | undefined;
  let isLoaded = false;
  let isScheduled = false;
  let error: StreamError | undefined;
  /** Ends the wait before the list is looked for again. */
  let wake: (() => void) | undefined;
  const store = createStore<ChatsView>({ status: "loading", chats: [] }, run);

  function run(): () => void {
    const abort = new AbortController();
    let unfollow: (() => void) | undefined;
    const begin = async () => {
      const stream = await findStream(abort.signal);
      if (!abort.signal.aborted)
        unfollow = source.follow(stream, { after: cursor, kind: "state", onDelivery: take });
    };
    void begin().catch((reason: unknown) => {
      if (!abort.signal.aborted) throw reason;
    });
    return () => {
      abort.abort();
      unfollow?.();
    };
  }

  function take(delivery: Delivery): void {
    if (delivery.type === "event") {
      cursor = delivery.cursor;
      // The stream is the server's own: PROTOCOL.md "Events of a chat".
      const { key, deleted, type: _, ...entry } = delivery.event as unknown as ListEvent;
      if (deleted === true) entries.delete(key);
      else entries.set(key, { id: key, ...entry });
    }
    if (delivery.type === "reset") {
      entries.clear();
      cursor = delivery.from;
    }
    if (delivery.type === "caught-up") isLoaded = true;
    if (isScheduled) return;
    isScheduled = true;
    schedule(show);
  }

  function show(): void {
    isScheduled = false;
    const chats = [...entries.values()].sort((a, b) => b.updatedAt - a.updatedAt);
    store.set({ status: isLoaded ? "ready" : "loading", chats, ...(error !== undefined && { error }) });
  }

  /** The name of the list's stream: whose it is the server knows. Asked until there is an answer. */
  async function findStream(signal: AbortSignal): Promise<string> {
    for (;;) {
      try {
        const page = (await api.send("GET", "/v1/chats?after=now", undefined, { signal, patienceMs: 0 })) as {
          stream: string;
        };
        tell(undefined);
        return page.stream;
      } catch (reason) {
        if (signal.aborted || !(reason instanceof StreamError)) throw reason;
        tell(reason);
        await pause(reason.isRetryable ? RETRY_MS : undefined, signal);
      }
    }
  }

  function tell(next: StreamError | undefined): void {
    if (next === undefined && error === undefined) return;
    error = next;
    show();
  }

  /** Without a time it waits for `refresh`. */
  function pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", done);
        resolve();
      };
      const timer = ms === undefined ? undefined : setTimeout(done, ms);
      signal.addEventListener("abort", done);
      wake = done;
    });
  }

  return {
    getSnapshot: store.getSnapshot,
    subscribe: store.subscribe,
    async create(settings = {}) {
      const made = (await api.send("POST", "/v1/chats", settings)) as { chat: string }; // PROTOCOL.md "Chats"
      return made.chat;
    },
    async rename(chat, title) {
      await api.send("PATCH", `/v1/chats/${chat}`, { title });
    },
    async delete(chat) {
      await api.send("DELETE", `/v1/chats/${chat}`);
    },
    async restore(chat) {
      await api.send("PATCH", `/v1/chats/${chat}`, { deleted: false });
    },
    async search(words, signal) {
      const path = `/v1/chats?q=${encodeURIComponent(words)}`;
      const found = (await api.send("GET", path, undefined, { ...(signal && { signal }) })) as {
        chats: FoundChat[];
      };
      return found.chats;
    },
    refresh: () => wake?.(),
  };
}

type ListEvent = { type: "chat"; key: string; deleted?: boolean } & Omit<ChatListEntry, "id">;
