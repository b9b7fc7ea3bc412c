import { useSyncExternalStore } from "react";
import type { ChatsStore, ChatsView } from "../client/index.ts";
import { useClient } from "./context.ts";

/** The live list of chats, and what can be done with it. */
export type UseChats = ChatsView & Omit<ChatsStore, "getSnapshot" | "subscribe">;

/** Follows the list of chats: what is made, renamed or answered in any tab shows at once. */
export function useChats(): UseChats {
  const { getSnapshot, subscribe, ...commands } = useClient().chats;
  const view = useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
  return { ...view, ...commands };
}
