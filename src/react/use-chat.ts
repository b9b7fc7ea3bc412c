import { useSyncExternalStore } from "react";
import type { ChatStore, ChatView } from "../client/index.ts";
import { useClient } from "./context.ts";

/** What a page shows of a chat, and what can be done with it. */
export type UseChat = ChatView & Omit<ChatStore, "getSnapshot" | "subscribe">;

/** Follows a chat while the component is there. Any number of components may follow the same one: it is read once.
 *  Shape:  `ChatView`, and the commands of `ChatStore`, which stay the same functions.
 *  Source: docs/guide/react.md. */
export function useChat(chat: string): UseChat {
  const store = useClient().chat(chat);
  const view = useSyncExternalStore(store.subscribe, store.getSnapshot, store.getSnapshot);
  const { getSnapshot: _, subscribe: __, ...commands } = store;
  return { ...view, ...commands };
}
