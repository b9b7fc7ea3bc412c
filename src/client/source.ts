import { browserSecret } from "./browser.ts";
import { isSameView, viewConnection } from "./connection-state.ts";
import { createConnectionState } from "./connection.ts";
import type { ConnectionInput, ConnectionState, ConnectionView } from "./connection-state.ts";
import type { FollowOptions, Source } from "./delivery.ts";
import { caughtUp } from "./entry.ts";
import type { Entry } from "./entry.ts";
import { createEventSourceTransport } from "./event-source.ts";
import { createFetchTransport } from "./fetch-source.ts";
import { Follower } from "./follower.ts";
import { createGroup } from "./group.ts";
import type { Group } from "./group.ts";
import type { Leases } from "./leases.ts";
import { createListeners } from "./listeners.ts";
import { watchPage } from "./page-events.ts";
import type { PageTargets } from "./page-events.ts";
import { createApi } from "./request.ts";
import type { ApiOptions } from "./request.ts";
import type { Transport } from "./transport.ts";
import type { WireEvent, WireNews } from "./wire.ts";

export interface SourceOptions extends ApiOptions, PageTargets {
  /** Default: the browser's EventSource; fetch where there is none, or where headers are given. */
  transport?: Transport | undefined;
  /** What the server knows this browser by. Default: a random secret that all its tabs share. */
  browser?: string | undefined;
  /** Unix milliseconds. Default: the clock. */
  now?: (() => number) | undefined;
}

/** A source of its own, with a way to look at its timers where the browser slows those down. */
export interface OwnSource extends Source {
  /** Does what is due. */
  tick(): void;
}

/** How many streams one connection may carry. Source: PROTOCOL.md. */
const GROUP_SIZE = 32;
/** Whoever leaves one chat for another changes the set once. */
const SETTLE_MS = 10;

/** Makes a source with connections of its own: one for each 32 streams. */
export function createSource(options: SourceOptions): OwnSource {
  const { now = Date.now, random = Math.random } = options;
  const api = createApi(options);
  const transport = options.transport ?? defaultTransport(options);
  const counts = { gaps: 0, doubles: 0, reconnects: 0 };
  const entries = new Map<string, Entry>();
  const groups: Group[] = [];
  const listeners = new Set<() => void>();
  const watchers = new Set<(event: WireEvent) => void>();
  let view: ConnectionView = viewConnection(createConnectionState(now()));
  let settling: ReturnType<typeof setTimeout> | undefined;
  const told = createListeners(settle);
  /** Loaded when this browser is first present somewhere: few pages ask for it. */
  let leases: Leases | undefined;
  let areLeasesLoading = false;
  let isClosed = false;
  let browser = options.browser;
  const stopWatching = watchPage(options, (type) => tell({ type }));

  function follow(stream: string, options: FollowOptions): () => void {
    const follower = new Follower(stream, options, api);
    const present = entries.get(stream);
    const entry: Entry = present ?? {
      stream,
      kind: options.kind,
      cursor: options.after,
      isLive: false,
      followers: new Set(),
    };
    entry.followers.add(follower);
    if (present === undefined) {
      entries.set(stream, entry);
      groupWith(({ size }) => size < GROUP_SIZE).add(entry);
    } else if (present.cursor !== options.after) void follower.catchUp();
    else if (present.isLive) follower.receive(caughtUp(entry), entry.cursor);
    settle();
    return () => {
      follower.close();
      entry.followers.delete(follower);
      settle();
    };
  }

  /** Lets the set of streams come to rest before a connection is opened for it. */
  function settle(): void {
    settling ??= setTimeout(() => {
      settling = undefined;
      for (const entry of entries.values()) if (entry.followers.size === 0) remove(entry);
      shareListens();
      attend();
      for (const group of groups) group.settle();
    }, SETTLE_MS);
  }

  function remove(entry: Entry): void {
    entries.delete(entry.stream);
    for (const group of groups) group.remove(entry);
  }

  /** Gives each stream that is listened to a connection, the one that it has. */
  function shareListens(): void {
    const { streams } = told;
    for (const { listens } of groups) {
      for (const stream of listens) if (!streams.has(stream)) listens.delete(stream);
    }
    for (const stream of streams) {
      if (groups.some(({ listens }) => listens.has(stream))) continue;
      groupWith(({ listens }) => listens.size < GROUP_SIZE).listens.add(stream);
    }
  }

  function attend(): void {
    if (leases !== undefined) leases.set(told.attendances);
    else if (told.attendances.size > 0 && !areLeasesLoading) void loadLeases();
  }

  async function loadLeases(): Promise<void> {
    areLeasesLoading = true;
    try {
      const { createLeases } = await import("./leases.ts");
      if (isClosed) return;
      leases = createLeases({ api, browser: secret(), now, onTold: told.tell });
      attend();
    } catch {
      // The page's own files are out of reach, as the server is: it is tried again when a connection opens.
      areLeasesLoading = false;
    }
  }

  function secret(): string {
    return (browser ??= browserSecret());
  }

  function groupWith(hasRoom: (group: Group) => boolean): Group {
    const found = groups.find(hasRoom);
    if (found !== undefined) return found;
    const group = createGroup({
      url: options.url,
      transport,
      now,
      random,
      counts,
      onEnded: (entry) => entries.delete(entry.stream),
      onChange: updateView,
      browser: secret,
      onTold: told.tell,
      onListening: () => (leases === undefined ? attend() : leases.renew()),
      onPing: () => leases?.tick(),
      onWire,
    });
    groups.push(group);
    return group;
  }

  function updateView(): void {
    const next = viewConnection(worst(groups.map(({ state }) => state)));
    if (isSameView(next, view)) return;
    view = next;
    for (const listener of listeners) listener();
  }

  function onWire(news: WireNews): void {
    if (watchers.size === 0) return;
    const event = { ...news, at: now() };
    for (const watcher of watchers) watcher(event);
  }

  function tell(input: ConnectionInput): void {
    for (const group of groups) group.send(input);
  }

  return {
    follow,
    listen: told.listen,
    attend: told.attend,
    get browser() {
      return secret();
    },
    get connection() {
      return view;
    },
    onConnection(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    counts,
    retry: () => tell({ type: "retry" }),
    onWire(watcher) {
      watchers.add(watcher);
      return () => watchers.delete(watcher);
    },
    cut: (forMs = 0) => tell({ type: "failed", retryAfterMs: forMs }),
    tick() {
      tell({ type: "tick" });
      leases?.tick();
    },
    close() {
      isClosed = true;
      stopWatching();
      clearTimeout(settling);
      for (const { followers } of entries.values()) for (const follower of followers) follower.close();
      entries.clear();
      listeners.clear();
      told.clear();
      leases?.close();
      watchers.clear();
      tell({ type: "unwanted" });
    },
  };
}

const SEVERITY = ["idle", "suspended", "open", "connecting", "waiting", "refused"];

/** Of several connections, the one that a page has to know about. */
function worst(states: readonly ConnectionState[]): ConnectionState {
  return states.reduce((a, b) => (SEVERITY.indexOf(b.status) > SEVERITY.indexOf(a.status) ? b : a));
}

function defaultTransport(options: SourceOptions): Transport {
  const isNative = options.headers === undefined && typeof EventSource === "function";
  return isNative ? createEventSourceTransport(options) : createFetchTransport(options);
}
