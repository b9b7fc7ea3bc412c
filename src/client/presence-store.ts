import type { Source, Told } from "./delivery.ts";
import type { Api } from "./request.ts";
import { createStore } from "./store.ts";
import type { Store } from "./store.ts";

export interface PresenceStoreOptions {
  source: Source;
  api: Api;
  stream: string;
}

/** Somebody who is here. */
export interface Person<Data> {
  readonly person: string;
  /** Unix milliseconds. */
  readonly since: number;
  /** What the person says of itself: a claim, not a fact. */
  readonly data?: Data;
}

export interface PresenceView<Data> {
  readonly status: "loading" | "ready";
  /** People, not tabs. */
  readonly count: number;
  /** In the order in which they came; empty where more than 50 are here. */
  readonly people: readonly Person<Data>[];
  /** Which of them is the person at this browser, once the server has said so. */
  readonly me?: string;
}

/** Who is present in a stream. */
export interface PresenceStore<Data> extends Store<PresenceView<Data>> {
  /** Lets this browser be present, with what it says of itself, until the returned function is called. */
  attend: (data?: Data) => () => void;
}

const MAX_LATE_MS = 10_000;

/** Makes the store of who is present in one stream. Each message is the whole of it, so the last one is what is shown.
 *  Source: PROTOCOL.md "Presence". */
export function createPresenceStore<Data>(options: PresenceStoreOptions): PresenceStore<Data> {
  const { source, api, stream } = options;
  /** When what is shown was so, by the server's clock: an answer may come later than what was told after it. */
  let shownAt = 0;
  const store = createStore<PresenceView<Data>>({ status: "loading", count: 0, people: [] }, () => {
    const abort = new AbortController();
    const stop = source.listen(stream, take);
    void ask(abort.signal);
    return () => {
      abort.abort();
      stop();
    };
  });

  /** The first answer may be long in coming where another tab holds the connection, or where it stands already. */
  async function ask(signal: AbortSignal): Promise<void> {
    try {
      const path = `/v1/presence/${stream}?browser=${source.browser}`;
      show((await api.send("GET", path, undefined, { signal, patienceMs: 0 })) as WirePresence<Data>);
    } catch {
      // It is told at the opening of the connection, and at each change.
    }
  }

  function take({ event, data }: Told): void {
    // The event is the server's own; what a person says of itself is the caller's word.
    if (event === "presence") show(data as unknown as WirePresence<Data>);
  }

  function show({ at, count, people = [], person }: WirePresence<Data>): void {
    const shown = store.getSnapshot();
    const me = person ?? shown.me;
    // A clock that was set back holds nothing up for long.
    const isOlder = at < shownAt && shownAt - at < MAX_LATE_MS;
    if (!isOlder) shownAt = at;
    const now: PresenceView<Data> = isOlder ? shown : { status: "ready", count, people };
    const next = { ...now, ...(me !== undefined && { me }) };
    if (JSON.stringify(next) !== JSON.stringify(shown)) store.set(next);
  }

  return {
    getSnapshot: store.getSnapshot,
    subscribe: store.subscribe,
    attend: (data) =>
      // An object of any type is one of unknown members.
      source.attend({ stream, ...(data !== undefined && { data: data as Record<string, unknown> }) }),
  };
}

interface WirePresence<Data> {
  at: number;
  count: number;
  people?: Person<Data>[];
  /** Who asked, in an answer. */
  person?: string;
}
