import { useSyncExternalStore } from "react";
import { liveOf } from "../client/live.ts";
import type { NotificationsStore, NotificationsView } from "../client/live.ts";
import { useClient } from "./context.ts";

/** A person's notifications, and what can be said of them. */
export type UseNotifications<T> = NotificationsView<T> &
  Omit<NotificationsStore<T>, "getSnapshot" | "subscribe">;

/** Follows the notifications in a stream, of the type that the caller names. What is read or muted in one tab is so in all.
 *  Source: docs/guide/notifications.md. */
export function useNotifications<T extends object>(stream: string): UseNotifications<T> {
  const { getSnapshot, subscribe, ...commands } = liveOf(useClient()).notifications<T>(stream);
  return { ...useSyncExternalStore(subscribe, getSnapshot, getSnapshot), ...commands };
}
