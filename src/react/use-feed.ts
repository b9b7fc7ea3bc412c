import { useSyncExternalStore } from "react";
import { liveOf } from "../client/live.ts";
import type { FeedOptions, FeedView } from "../client/live.ts";
import { useClient } from "./context.ts";

/** Follows a `log` stream: its last events, of the type that the caller names. It is rendered at most once per frame, however
 *  fast the stream is, and keeps `limit` events (default 200).
 *  Source: docs/guide/feeds.md. */
export function useFeed<T extends object>(stream: string, options?: FeedOptions): FeedView<T> {
  const { subscribe, getSnapshot } = liveOf(useClient()).feed<T>(stream, options);
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
