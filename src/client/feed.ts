import type { ResetReason } from "../protocol/cursor.ts";
import { isAhead } from "./position.ts";

/** One event of a feed. */
export interface FeedEvent<T> {
  readonly cursor: string;
  readonly event: T;
  /** It came late, with what the stream held already: no news to be told as such. */
  readonly isReplay: boolean;
}

interface FollowedView {
  /** `loading`: the stream may hold more than is shown. `ended`: nothing more comes. */
  readonly status: "loading" | "ready" | "ended";
  /** The last event that was taken. */
  readonly cursor?: string;
  /** Events taken since the page began to follow, the stored ones too. */
  readonly received: number;
  /** How many events came late after the connection had been away, and when, in Unix milliseconds. */
  readonly caughtUp?: { events: number; at: number };
  /** Why everything was read anew, and when, in Unix milliseconds. */
  readonly reset?: { reason: ResetReason; at: number };
}

/** What is shown of a `log` stream: its last events. */
export interface FeedView<T> extends FollowedView {
  /** Oldest first, at most as many as the store keeps. */
  readonly events: readonly FeedEvent<T>[];
}

/** What is shown of a `state` stream: the last event of each key. */
export interface StreamStateView<T> extends FollowedView {
  /** In the order of the last change. */
  readonly entries: ReadonlyMap<string, T>;
  /** There were more keys than the store keeps, and those that changed longest ago are not shown. */
  readonly isPartial: boolean;
}

/** What came, and is not folded yet. */
export interface Arrived {
  readonly cursor: string;
  readonly event: Record<string, unknown>;
  readonly isReplay: boolean;
}

export const EMPTY_FEED: FeedView<never> = { status: "loading", received: 0, events: [] };

export const EMPTY_STREAM_STATE: StreamStateView<never> = {
  status: "loading",
  received: 0,
  entries: new Map<string, never>(),
  isPartial: false,
};

/** Adds what came to the end of a feed and keeps the last `limit`. Pure; twice equals once, since what is not after the cursor
 *  is passed over. */
export function foldFeed<T>(view: FeedView<T>, arrived: readonly Arrived[], limit: number): FeedView<T> {
  const { fresh, cursor } = after(view.cursor, arrived);
  if (cursor === undefined || fresh.length === 0) return view;
  // What a stream's events hold is the promise of who writes it, and of the caller, who names the type.
  const added = (fresh.length > limit ? fresh.slice(-limit) : fresh) as unknown as FeedEvent<T>[];
  const kept = view.events.slice(Math.max(0, view.events.length + added.length - limit));
  return { ...view, cursor, received: view.received + fresh.length, events: [...kept, ...added] };
}

/** Puts what came in the place of what its keys held, and removes what was deleted. Pure; twice equals once. Of more than
 *  `limit` keys those that changed last are kept. */
export function foldStreamState<T>(
  view: StreamStateView<T>,
  arrived: readonly Arrived[],
  limit: number,
): StreamStateView<T> {
  const { fresh, cursor } = after(view.cursor, arrived);
  if (cursor === undefined || fresh.length === 0) return view;
  const entries = new Map(view.entries);
  for (const { event } of fresh) {
    const { key } = event;
    if (typeof key !== "string") continue;
    entries.delete(key);
    // As above: the type is the caller's.
    if (event["deleted"] !== true) entries.set(key, event as T);
  }
  const isPartial = view.isPartial || entries.size > limit;
  for (const key of entries.keys()) {
    if (entries.size <= limit) break;
    entries.delete(key);
  }
  return { ...view, cursor, received: view.received + fresh.length, entries, isPartial };
}

/** What of it comes after a cursor, each further on than the one before. */
function after(cursor: string | undefined, arrived: readonly Arrived[]) {
  let last = cursor;
  const fresh = arrived.filter((one) => {
    if (!isAhead(one.cursor, last)) return false;
    last = one.cursor;
    return true;
  });
  return { fresh, cursor: last };
}
