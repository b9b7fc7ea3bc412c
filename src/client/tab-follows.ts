import type { Delivery, FollowOptions, Source } from "./delivery.ts";
import { Follower } from "./follower.ts";
import type { Api } from "./request.ts";
import type { Wish } from "./tabs.ts";

/** What one tab follows, whoever leads: it keeps its cursors through every change of the leader. */
export interface TabFollows {
  add(stream: string, options: FollowOptions): () => void;
  /** This tab leads: it hears its own source. */
  lead(source: Source): void;
  /** Another tab leads: its deliveries come by `receive`. */
  listen(): void;
  /** Nobody is heard. */
  pause(): void;
  /** Takes what the leader broadcast. */
  receive(stream: string, delivery: Delivery, at: string | undefined): void;
  /** Tells a new leader what is followed, and reads what was missed without one. */
  catchUp(): void;
  clear(): void;
}

interface Follow extends Wish {
  readonly onDelivery: (delivery: Delivery) => void;
  follower?: Follower | undefined;
  stop?: (() => void) | undefined;
  /** It has read what was there: from its cursor on it can be told. */
  isReady: boolean;
}

/** Makes the follows of one tab. `announce` tells the leader what it wishes for. */
export function createTabFollows(api: Api, announce: (wishes: Wish[]) => void): TabFollows {
  const follows = new Set<Follow>();
  let mode: "paused" | "listening" | Source = "paused";

  function setMode(next: typeof mode): void {
    for (const follow of follows) stop(follow);
    mode = next;
    for (const follow of follows) start(follow);
  }

  function start(follow: Follow): void {
    const { stream, kind, cursor: after } = follow;
    const options = { kind, after, onDelivery: (delivery: Delivery) => pass(follow, delivery) };
    if (mode === "paused") return;
    if (mode !== "listening") {
      follow.stop = mode.follow(stream, options);
      return;
    }
    const follower = (follow.follower = new Follower(stream, options, api));
    // What cannot be read now is read with the next delivery.
    void follower.catchUp().then(() => {
      if (follow.follower !== follower) return;
      follow.isReady = true;
      tell();
    });
  }

  function stop(follow: Follow): void {
    follow.stop?.();
    follow.follower?.close();
    follow.stop = follow.follower = undefined;
    follow.isReady = false;
  }

  function pass(follow: Follow, delivery: Delivery): void {
    follow.cursor = cursorAfter(delivery, follow.cursor);
    if (delivery.type === "end") drop(follow);
    follow.onDelivery(delivery);
  }

  function drop(follow: Follow): void {
    stop(follow);
    if (follows.delete(follow)) tell();
  }

  function tell(): void {
    const ready = [...follows].filter(({ isReady }) => isReady);
    announce(ready.map(({ stream, kind, cursor }) => ({ stream, kind, cursor })));
  }

  return {
    add(stream, { kind, after, onDelivery }) {
      const follow: Follow = { stream, kind, cursor: after, onDelivery, isReady: false };
      follows.add(follow);
      start(follow);
      return () => drop(follow);
    },
    lead: setMode,
    listen: () => setMode("listening"),
    pause: () => setMode("paused"),
    receive(stream, delivery, at) {
      for (const follow of follows) if (follow.stream === stream) follow.follower?.receive(delivery, at);
    },
    catchUp() {
      tell();
      for (const { follower } of follows) void follower?.catchUp();
    },
    clear() {
      for (const follow of follows) stop(follow);
      follows.clear();
    },
  };
}

/** Where a reader stands after a delivery. */
export function cursorAfter(delivery: Delivery, former: string | undefined): string | undefined {
  if (delivery.type === "event") return delivery.cursor;
  if (delivery.type === "reset") return delivery.from;
  return delivery.type === "caught-up" ? (delivery.cursor ?? former) : former;
}
