import { useSyncExternalStore } from "react";
import { liveOf } from "../client/live.ts";
import type { FeedOptions, StreamStateView } from "../client/live.ts";
import { useClient } from "./context.ts";

/** Follows a `state` stream: the last event of each key, of the type that the caller names. It is rendered at most once per
 *  frame, however fast the stream is, and keeps `limit` keys (default 10,000).
 *  Source: docs/guide/feeds.md. */
export function useStreamState<T extends object>(stream: string, options?: FeedOptions): StreamStateView<T> {
  const { subscribe, getSnapshot } = liveOf(useClient()).state<T>(stream, options);
  return useSyncExternalStore(subscribe, getSnapshot, getSnapshot);
}
