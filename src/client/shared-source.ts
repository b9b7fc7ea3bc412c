import { isSameView, viewConnection } from "./connection-state.ts";
import { createConnectionState } from "./connection.ts";
import type { Source } from "./delivery.ts";
import { browserSecret } from "./browser.ts";
import { createElection } from "./election.ts";
import type { LocksLike } from "./election.ts";
import { createLead } from "./lead.ts";
import type { Lead } from "./lead.ts";
import { createListeners } from "./listeners.ts";
import { findPage, watchPage } from "./page-events.ts";
import type { PageEvent } from "./page-events.ts";
import { createApi } from "./request.ts";
import { createSource } from "./source.ts";
import type { OwnSource, SourceOptions } from "./source.ts";
import { createTabFollows } from "./tab-follows.ts";
import type { ChannelLike, TabMessage } from "./tabs.ts";
import type { WireEvent } from "./wire.ts";

export interface SharedSourceOptions extends SourceOptions {
  /** Default: the browser's. */
  locks?: LocksLike | undefined;
  /** Default: the browser's. */
  BroadcastChannel?: (new (name: string) => ChannelLike) | undefined;
}

/** A visible tab asks the leader so often, and takes the lead after so long without an answer. */
const ASK_MS = 1_000;
const ANSWER_MS = 500;
/** A timer that rings so late speaks of a sleep of this tab, not of the leader's. */
const LATE_MS = 200;
const PRUNE_MS = 10_000;
/** A tab that watches the wire says so with each question: whoever says nothing more is gone, or looks elsewhere. */
const WATCH_MS = 2.5 * ASK_MS;

/** Makes a source that has one event connection for all tabs of a browser: Web Locks elect who holds it, BroadcastChannel
 *  delivers. Each tab keeps its own cursors and repairs by itself what it missed. Where one of both is missing (an insecure
 *  origin, Node), it is a source like `createSource`. Tabs share if their `url` is the same: their headers must be, too. */
export function createSharedSource(options: SharedSourceOptions): Source {
  const { now = Date.now, random = Math.random } = options;
  const { window, document } = findPage(options);
  const locks = options.locks ?? globalThis.navigator?.locks;
  const Channel = options.BroadcastChannel ?? globalThis.BroadcastChannel;
  // A sandboxed frame has the origin "null": it has locks, but every request is refused.
  if (!window || !locks || !Channel || globalThis.origin === "null") return createSource(options);

  const name = `millrace 1 ${nameOf(options.url)}`;
  const tab = `${name} tab ${now().toString(36)}${random().toString(36).slice(2)}`;
  const listeners = new Set<() => void>();
  const watchers = new Set<(event: WireEvent) => void>();
  /** Until when another tab wants to be told of the wire. */
  let watchedUntil = 0;
  let role: "away" | "seeking" | "follower" | "leader" = "away";
  let view = viewConnection(createConnectionState(now()));
  let counts = { gaps: 0, doubles: 0, reconnects: 0 };
  let { browser } = options;
  let channel: ChannelLike | undefined;
  let inner: OwnSource | undefined;
  let all: Lead | undefined;
  let beat: ReturnType<typeof setInterval> | undefined;
  let asking: ReturnType<typeof setTimeout> | undefined;

  const follows = createTabFollows(createApi(options), (wishes) => {
    if (role === "follower") post({ type: "wish", tab, wishes });
  });
  const heard = createListeners(sayListens);
  const election = createElection({ locks, name, onElected: lead, onRobbed: seek });
  /** Held for as long as the tab lives, so that the leader sees who died without a word. */
  const life = createElection({ locks, name: tab, onElected: () => {}, onRobbed: () => {} });
  const stopWatching = watchPage(options, onPage);
  arrive();

  function arrive(): void {
    if (role !== "away") return;
    channel = new Channel(name);
    channel.addEventListener("message", ({ data }) => onMessage(data));
    life.queue();
    seek();
    election.queue();
  }

  /** A page that sleeps holds nothing: no lock, no connection, no channel. It must not hinder others, nor be evicted. */
  function depart(): void {
    if (role === "away") return;
    post({ type: "bye", tab });
    resign();
    role = "away";
    clearInterval(beat);
    clearTimeout(asking);
    asking = undefined;
    election.leave();
    life.leave();
    channel?.close();
    channel = undefined;
  }

  /** Looks for who leads; while nobody does, whoever follows waits. */
  function seek(): void {
    resign();
    role = "seeking";
    clearInterval(beat);
    beat = setInterval(onBeat, ASK_MS);
    ask();
  }

  function lead(): void {
    resign();
    role = "leader";
    const source = (inner = createSource(options));
    source.onConnection(() => {
      show(source.connection);
      post({ type: "here", view, counts: source.counts });
    });
    source.onWire((event) => {
      tellWire(event);
      if (now() < watchedUntil) post({ type: "wire", event });
    });
    all = createLead(source, post, heard.tell);
    follows.lead(source);
    sayListens();
    clearInterval(beat);
    beat = setInterval(() => void prune(), PRUNE_MS);
    clearTimeout(asking);
    asking = undefined;
    post({ type: "lead", view, counts: source.counts });
  }

  /** Gives up what this tab does as what it was. */
  function resign(): void {
    follows.pause();
    all?.close();
    all = undefined;
    if (inner) ({ counts } = inner);
    inner?.close();
    inner = undefined;
  }

  function onPage(event: PageEvent): void {
    if (event === "suspended") depart();
    else if (event === "resumed") arrive();
    else if (event === "visible") {
      arrive();
      ask();
    }
  }

  function onBeat(): void {
    election.queue();
    if (isVisible()) ask();
  }

  function ask(): void {
    if (role === "leader" || role === "away") return;
    post({ type: "ask", isWatching: watchers.size > 0 });
    if (asking) return;
    const askedAt = now();
    const leader = election.leader();
    asking = setTimeout(() => {
      asking = undefined;
      if (!isVisible()) return;
      if (now() - askedAt > ANSWER_MS + LATE_MS) ask();
      else void election.steal(leader);
    }, ANSWER_MS);
  }

  function isVisible(): boolean {
    return document?.visibilityState === "visible";
  }

  function onMessage(message: TabMessage): void {
    if (role === "leader") onWord(message);
    else if (message.type === "delivery") follows.receive(message.stream, message.delivery, message.at);
    else if (message.type === "told") heard.tell(message.stream, message.told);
    else if (message.type === "wire") tellWire(message.event);
    else if (message.type === "here" || message.type === "lead") {
      clearTimeout(asking);
      asking = undefined;
      counts = message.counts;
      show(message.view);
      if (role === "seeking") {
        role = "follower";
        follows.listen();
        sayListens();
      } else if (message.type === "lead") {
        follows.catchUp();
        sayListens();
      }
    }
  }

  /** What the other tabs say to the leader. */
  function onWord(message: TabMessage): void {
    if (inner === undefined) return;
    if (message.type === "ask") {
      // The browser slows the timers of a hidden leader down, its messages not.
      inner.tick();
      if (message.isWatching) watchedUntil = now() + WATCH_MS;
      post({ type: "here", view, counts: inner.counts });
    } else if (message.type === "wish") all?.follow(message.tab, message.wishes);
    else if (message.type === "listen") all?.listen(message.tab, message.streams, message.attendances);
    else if (message.type === "bye") all?.forget(message.tab);
    else if (message.type === "retry") inner.retry();
    else if (message.type === "cut") inner.cut(message.forMs);
  }

  function tellWire(event: WireEvent): void {
    for (const watcher of watchers) watcher(event);
  }

  /** Whoever leads listens for all tabs, this one too. */
  function sayListens(): void {
    const streams = [...heard.streams];
    const attendances = [...heard.attendances.values()];
    if (role === "leader") all?.listen(tab, streams, attendances);
    else if (role === "follower") post({ type: "listen", tab, streams, attendances });
  }

  async function prune(): Promise<void> {
    const { held = [] } = await locks.query();
    const alive = new Set(held.map((lock) => lock.name));
    all?.prune((one) => alive.has(one));
  }

  function post(message: TabMessage): void {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none: it is its origin's own.
    channel?.postMessage(message);
  }

  function show(next: typeof view): void {
    if (isSameView(next, view)) return;
    view = next;
    for (const listener of listeners) listener();
  }

  return {
    follow: (stream, options) => follows.add(stream, options),
    listen: heard.listen,
    attend: heard.attend,
    get browser() {
      return inner?.browser ?? (browser ??= browserSecret());
    },
    get connection() {
      return view;
    },
    onConnection(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    get counts() {
      return inner?.counts ?? counts;
    },
    retry() {
      if (inner) inner.retry();
      else post({ type: "retry" });
    },
    onWire(watcher) {
      watchers.add(watcher);
      ask();
      return () => watchers.delete(watcher);
    },
    cut(forMs = 0) {
      if (inner) inner.cut(forMs);
      else post({ type: "cut", forMs });
    },
    close() {
      stopWatching();
      depart();
      follows.clear();
      heard.clear();
      listeners.clear();
      watchers.clear();
    },
  };
}

/** The server's own address, so that two pages of one origin that write it differently share. */
function nameOf(url: string): string {
  const base = globalThis.location?.href;
  return base === undefined ? url : new URL(url || "/", base).href.replace(/\/$/, "");
}
