import type { ResetReason } from "../protocol/cursor.ts";
import type { ConnectionInput, ConnectionState } from "./connection-state.ts";
import type { Delivery, SourceCounts, Told } from "./delivery.ts";
import { createLink } from "./link.ts";
import { isAhead, offsetOf, spanOf, take } from "./position.ts";
import type { Verdict } from "./position.ts";
import { caughtUp } from "./entry.ts";
import type { Entry } from "./entry.ts";
import type { Block, Transport } from "./transport.ts";
import type { WireNews } from "./wire.ts";

export interface GroupOptions {
  url: string;
  transport: Transport;
  now: () => number;
  random: () => number;
  /** Counted in place. */
  counts: SourceCounts;
  /** The stream of an entry has ended; the group has forgotten it. */
  onEnded: (entry: Entry) => void;
  onChange: () => void;
  /** What a connection that listens is known by. */
  browser: () => string;
  onTold: (stream: string, told: Told) => void;
  /** A connection that listens was opened. */
  onListening: () => void;
  /** The server has said that it is there: a clock that no browser slows down. */
  onPing: () => void;
  onWire: (news: WireNews) => void;
}

/** The streams of one connection. */
export interface Group {
  readonly size: number;
  readonly state: ConnectionState;
  /** The streams of which it hears what is told; changed in place, before `settle`. */
  readonly listens: Set<string>;
  add(entry: Entry): void;
  remove(entry: Entry): void;
  /** Asks for the set of streams as it is now, if another was asked for. */
  settle(): void;
  send(input: ConnectionInput): void;
}

/** What the blocks of such a connection hold. Source: PROTOCOL.md "Several streams". */
interface Wire {
  stream?: string;
  event?: Record<string, unknown>;
  from?: string;
  head?: string;
  cursor?: string;
  reason?: string;
}

/** Joins what one connection brings to the streams that are followed over it. */
export function createGroup(options: GroupOptions): Group {
  const { url, counts } = options;
  const entries = new Map<string, Entry>();
  /** The streams that the connection was asked for. */
  let asked = new Map<string, Entry>();
  const listens = new Set<string>();
  let askedListens: ReadonlySet<string> = new Set();
  const link = createLink({
    ...options,
    address,
    onBlock,
    onFinalEnd: () => {
      for (const entry of asked.values()) end(entry, { type: "end", reason: "closed" });
      settle();
    },
    onChange: (state, former) => {
      if (former.status === "connecting" && state.status === "open" && former.hasOpened)
        counts.reconnects += former.isPlanned ? 0 : 1;
      if (former.status === "connecting" && state.status === "open" && askedListens.size > 0)
        options.onListening();
      options.onChange();
    },
  });

  function address(): string {
    asked = new Map(entries);
    askedListens = new Set(listens);
    const query = new URLSearchParams([...asked.keys()].map((stream) => ["stream", stream]));
    for (const stream of listens) query.append("listen", stream);
    if (listens.size > 0) query.set("browser", options.browser());
    query.set("live", "1");
    const own = [...asked.values()].flatMap(({ cursor }) => cursor ?? []);
    if (own.length > 0) query.set("last_event_id", own.join("~"));
    return `${url}/v1/streams?${query}`;
  }

  function settle(): void {
    const isAsked =
      entries.size === asked.size &&
      [...entries].every(([name, entry]) => asked.get(name) === entry) &&
      listens.size === askedListens.size &&
      [...listens].every((stream) => askedListens.has(stream));
    if (entries.size === 0 && listens.size === 0) link.send({ type: "unwanted" });
    else if (link.state.status === "idle" || link.state.status === "suspended") link.send({ type: "wanted" });
    else if (!isAsked) link.send({ type: "changed" });
  }

  function onBlock(block: Block): void {
    const { event: name, id, data } = block;
    const wire = readWire(data);
    if (wire === undefined) {
      link.send({ type: "failed" });
      return;
    }
    if (name === "ping") options.onPing();
    const isEvent = wire.event !== undefined && (name === undefined || name === "message");
    const entry = entries.get(wire.stream ?? "");
    const isNew = isEvent && entry !== undefined;
    link.send({ type: "received", isNew });
    const event = isEvent ? wire.event : undefined;
    const cursor = lastOf(id);
    const isPlaced = entry !== undefined && event !== undefined && cursor !== undefined;
    const order = isPlaced ? take(entry, { cursor, span: spanOf(entry.kind, event) }) : undefined;
    options.onWire({
      type: "block",
      ...block,
      isReplay: entry?.isLive === false,
      ...(wire.stream !== undefined && { stream: wire.stream }),
      ...(order !== undefined && { order }),
    });
    if (name === "signal" || name === "presence") {
      options.onTold(wire.stream ?? "", { event: name, data: { ...wire } });
      return;
    }
    if (entry === undefined) return;
    if (event === undefined) takeNamed(entry, name, wire);
    else takeEvent(entry, cursor, event, order);
  }

  function takeEvent(
    entry: Entry,
    cursor: string | undefined,
    event: Record<string, unknown>,
    verdict: Verdict | undefined,
  ): void {
    if (cursor === undefined) {
      // It cannot be placed: the pages say where it belongs.
      for (const follower of entry.followers) void follower.catchUp();
      return;
    }
    if (verdict === "hole") counts.gaps++;
    else if (verdict !== "next") counts.doubles++;
    if (verdict !== "known") entry.cursor = cursor;
    deliver(entry, { type: "event", cursor, event, isReplay: !entry.isLive });
  }

  function takeNamed(entry: Entry, name: string | undefined, wire: Wire): void {
    switch (name ?? "") {
      case "stream-start":
        entry.isLive = false;
        entry.cursor ??= wire.from;
        for (const follower of entry.followers) {
          follower.start(wire.from);
          if (follower.isBehind) void follower.catchUp();
        }
        return;
      case "stream-caught-up":
        entry.isLive = true;
        // On a state stream the head may be beyond the last entry that is kept.
        if (isAhead(wire.cursor, entry.cursor)) entry.cursor = wire.cursor;
        deliver(entry, caughtUp(entry));
        return;
      case "stream-reset":
        entry.isLive = false;
        entry.cursor = wire.from;
        deliver(entry, resetOf(wire));
        return;
      case "stream-end":
        end(entry, { type: "end", reason: wire.reason === "deleted" ? "deleted" : "closed" });
        settle();
    }
  }

  function end(entry: Entry, delivery: Delivery): void {
    forget(entry);
    options.onEnded(entry);
    deliver(entry, delivery);
  }

  function forget(entry: Entry): void {
    if (entries.get(entry.stream) === entry) entries.delete(entry.stream);
    asked.delete(entry.stream);
  }

  return {
    get size() {
      return entries.size;
    },
    get state() {
      return link.state;
    },
    listens,
    add: (entry) => entries.set(entry.stream, entry),
    remove: (entry) => entries.delete(entry.stream),
    settle,
    send: (input) => link.send(input),
  };
}

function deliver(entry: Entry, delivery: Delivery): void {
  for (const follower of entry.followers) follower.receive(delivery, entry.cursor);
}

/** The cursor of an event: the last of the set that its id is. */
function lastOf(id: string | undefined): string | undefined {
  const cursor = id?.split("~").at(-1);
  return offsetOf(cursor) === undefined ? undefined : cursor;
}

function readWire(data: string): Wire | undefined {
  try {
    const value: unknown = JSON.parse(data);
    // What its members hold is seen where they are used: a stream that is not followed, a cursor that is none.
    return typeof value === "object" && value !== null ? value : undefined;
  } catch {
    // Damaged on its way: the connection is opened anew.
    return undefined;
  }
}

function resetOf({ reason, from }: Wire): Delivery {
  // The server's reasons are those of the protocol; one that is new means the same for a reader.
  return { type: "reset", reason: reason as ResetReason, ...(from !== undefined && { from }) };
}
