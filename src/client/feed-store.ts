import type { StreamKind } from "../protocol/event.ts";
import type { Delivery, Source } from "./delivery.ts";
import { EMPTY_FEED, EMPTY_STREAM_STATE, foldFeed, foldStreamState } from "./feed.ts";
import type { Arrived, FeedView, StreamStateView } from "./feed.ts";
import { nextFrame } from "./frame.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface FeedOptions {
  /** How many events, or keys, are kept; older ones are not shown. Default 200 events, 10,000 keys. */
  limit?: number | undefined;
}

export interface FeedStoreOptions extends FeedOptions {
  source: Source;
  stream: string;
  /** The cursor after which it begins. Default: what is kept. */
  after?: string | undefined;
  /** When what has come is shown. Default: with the next frame. */
  schedule?: (show: () => void) => void;
  /** Unix milliseconds. Default: the clock. */
  now?: () => number;
}

/** What comes between two frames is folded in pieces of this size, so that a page that gets no frames does not fill up. */
const MAX_ARRIVED = 1_000;

/** Makes a store of the last events of a `log` stream. It follows while someone subscribes, and changes at most once per frame,
 *  however fast the stream is. */
export function createFeedStore<T>({ limit = 200, ...options }: FeedStoreOptions): Store<FeedView<T>> {
  return follow<FeedView<T>>(options, "log", EMPTY_FEED, (view, arrived) => foldFeed(view, arrived, limit));
}

/** Makes a store of a `state` stream: the last event of each key. As `createFeedStore`. */
export function createStreamStateStore<T>(options: FeedStoreOptions): Store<StreamStateView<T>> {
  const { limit = 10_000 } = options;
  return follow<StreamStateView<T>>(options, "state", EMPTY_STREAM_STATE, (view, arrived) =>
    foldStreamState(view, arrived, limit),
  );
}

function follow<View extends FeedView<unknown> | StreamStateView<unknown>>(
  { source, stream, after, schedule = nextFrame, now = Date.now }: FeedStoreOptions,
  kind: StreamKind,
  empty: View,
  fold: (view: View, arrived: readonly Arrived[]) => View,
): Store<View> {
  let view = empty;
  let cursor = after;
  let arrived: Arrived[] = [];
  /** What was delivered before the connection had caught up, once everything had been read before. */
  let late = 0;
  let isScheduled = false;
  const store = createStore<View>(view, () => {
    if (view.status === "ended") return () => {};
    const unfollow = source.follow(stream, { kind, after: cursor, onDelivery: take });
    return () => {
      show();
      unfollow();
    };
  });

  function take(delivery: Delivery): void {
    switch (delivery.type) {
      case "event":
        ({ cursor } = delivery);
        arrived.push({ cursor, event: delivery.event, isReplay: delivery.isReplay });
        if (delivery.isReplay && view.status === "ready") late += 1;
        if (arrived.length >= MAX_ARRIVED) settle();
        break;
      case "caught-up":
        settle();
        if (late > 0) view = { ...view, caughtUp: { events: late, at: now() } };
        late = 0;
        view = { ...view, status: "ready" };
        break;
      case "reset": {
        const { from, reason } = delivery;
        arrived = [];
        late = 0;
        cursor = from;
        const { received } = view;
        view = {
          ...empty,
          received,
          reset: { reason, at: now() },
          ...(from !== undefined && { cursor: from }),
        };
        break;
      }
      case "end":
        settle();
        view = { ...view, status: "ended" };
        break;
    }
    if (isScheduled) return;
    isScheduled = true;
    schedule(show);
  }

  function settle(): void {
    view = fold(view, arrived);
    arrived = [];
  }

  function show(): void {
    isScheduled = false;
    settle();
    store.set(view);
  }

  return { getSnapshot: store.getSnapshot, subscribe: store.subscribe };
}
