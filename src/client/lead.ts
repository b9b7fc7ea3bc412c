import type { Delivery, Source, Told } from "./delivery.ts";
import type { Attendance } from "./attendance.ts";
import { createBroadcast } from "./tabs.ts";
import type { TabMessage, Wish } from "./tabs.ts";
import { cursorAfter } from "./tab-follows.ts";

/** What the tab that leads does for all tabs of the browser. */
export interface Lead {
  /** Follows for another tab, by broadcast. */
  follow(tab: string, wishes: readonly Wish[]): void;
  /** Listens, and is present, for a tab; its own is one of them. */
  listen(tab: string, streams: readonly string[], attendances: readonly Attendance[]): void;
  forget(tab: string): void;
  /** Forgets the tabs of which this says that they are gone. */
  prune(isAlive: (tab: string) => boolean): void;
  close(): void;
}

/** Makes the lead over a source. `onTold`: what is told, for this tab; `post` brings it to the others. */
export function createLead(
  source: Source,
  post: (message: TabMessage) => void,
  onTold: (stream: string, told: Told) => void,
): Lead {
  const followed = createBroadcast(({ stream }: Wish) => stream, cast);
  const listened = createBroadcast((stream: string) => stream, tell);
  const attended = createBroadcast(
    (one: Attendance) => JSON.stringify([one.stream, one.data]),
    source.attend,
  );
  const all = [followed, listened, attended];

  function cast({ stream, kind, cursor }: Wish): () => void {
    let at = cursor;
    const onDelivery = (delivery: Delivery) => {
      at = cursorAfter(delivery, at);
      post({ type: "delivery", stream, delivery, at });
    };
    return source.follow(stream, { kind, after: cursor, onDelivery });
  }

  function tell(stream: string): () => void {
    return source.listen(stream, (told) => {
      onTold(stream, told);
      post({ type: "told", stream, told });
    });
  }

  return {
    follow: (tab, wishes) => followed.set(tab, wishes),
    listen(tab, streams, attendances) {
      listened.set(tab, streams);
      attended.set(tab, attendances);
    },
    forget: (tab) => all.forEach((broadcast) => broadcast.set(tab, [])),
    prune: (isAlive) => all.forEach((broadcast) => broadcast.prune(isAlive)),
    close: () => all.forEach((broadcast) => broadcast.close()),
  };
}
