import type { Cursor, ResetReason } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamStart } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Log, StreamInfo } from "../log/log.ts";
import { Audiences } from "./audience.ts";
import type { Topic } from "./audience.ts";
import { Channel, startOf } from "./channel.ts";
import type { Connection } from "./connection.ts";
import type { Format } from "./format.ts";
import type { HubCounts, ReaderGone, ReaderLook } from "./look.ts";
import { MultiSubscription } from "./multi-subscription.ts";
import { Pages } from "./pages.ts";
import { Readers, closerOf } from "./readers.ts";
import type { OpenReader, ReaderArrival, ReadersOptions } from "./readers.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";
import { Turns } from "./turns.ts";

/** Who is listening: readers of streams, each a cursor. */
export { startOf } from "./channel.ts";

export interface Hub {
  /** Begins to read to a sink; resolves when its first bytes are written.
   *  End: the sink is ended when the stream is closed or deleted, at the reader's age, and by `close`. */
  subscribe(request: SubscribeRequest): Promise<void>;
  /** The same for several streams over one connection, which is one reader.
   *  End: as of one stream, once the last of them has ended. */
  subscribeSeveral(request: SubscribeSeveralRequest): Promise<void>;
  /** Takes in a reader that is read to by somebody else: it counts as all others do, is looked at, pinged while it is silent, cut where it
   *  takes nothing, and ended as they are. It lives as long as `make` says. Undefined: no more are taken. */
  admit<Kind extends Connection>(
    make: (onLeave: () => void) => Kind,
    arrival: ReaderArrival & { onReader?: ((reader: OpenReader) => void) | undefined },
  ): Kind | undefined;
  /** Tells those who read a stream now, and are not behind, what is not in its log: whole SSE blocks without an id. What comes
   *  within a moment is told together, and of one topic only the latest. It may be lost, and nobody is told later. */
  tell(stream: StreamName, topic: Topic, make: () => string): void;
  /** Readers at this moment. */
  readonly readers: number;
  /** How many of them have not got everything that there is. Looks at each. */
  readonly readersBehind: number;
  /** Each reader as it stands. Looks at each. */
  look(): ReaderLook[];
  /** The last 500 readers that have gone, latest first. */
  gone(): ReaderGone[];
  /** Counted since the start. */
  readonly counts: Readonly<HubCounts>;
  /** Cuts a reader: it comes back with its cursor. False: there is none of this number. */
  cut(id: number): boolean;
  /** Takes no more, and ends all readers, as evenly over this time as it can, so that they do not come back elsewhere as a crowd. Resolves when none is
   *  left, or the time is over. */
  drain(windowMs: number): Promise<void>;
  /** Ends all readers, each with a `retry` of its own, and takes no more. */
  close(): void;
}

export interface SubscribeRequest {
  stream: StreamName;
  format: Format;
  sink: Sink;
  /** Where to go on. */
  from: ReadingStart;
  /** For a reader that would take the end of its connection for the end of the stream. */
  neverAges?: boolean;
  /** The id of the request that it came with, for who looks. */
  request?: string | undefined;
  /** The principal that reads, for who looks. */
  who?: string | undefined;
  onGone?: () => void;
  onReader?: (reader: OpenReader) => void;
}

export interface SubscribeSeveralRequest {
  /** Their formats are made for several: see `Format`. */
  streams: readonly { stream: StreamName; format: Format; from: ReadingStart }[];
  /** Blocks to say first of streams that will never come. */
  ends?: readonly string[];
  /** What is told of streams that need not be read. */
  listening?: Listening;
  sink: Sink;
  /** The id of the request that it came with, for who looks. */
  request?: string | undefined;
  /** The principal that reads, for who looks. */
  who?: string | undefined;
  onGone?: () => void;
  onReader?: (reader: OpenReader) => void;
}

/** Streams of which a reader hears only what is not in the log. It has no end. */
export interface Listening {
  streams: readonly StreamName[];
  /** What there is to be told when it begins: whole blocks without ids. */
  first: () => string;
  /** A ping of a reader that has no cursor. */
  ping: string;
}

/** The start of what is kept, what comes from now on, a cursor that is honoured by what is known of the stream, or the start with
 *  the reason why. */
export type ReadingStart =
  | { at: "start" }
  | { at: "now" }
  | { at: "after"; cursor: Cursor; info: StreamInfo }
  | { at: "reset"; reason: ResetReason };

export type HubOptions = ReadersOptions;

export function createHub(log: Log, options: HubOptions = {}): Hub {
  const channels = new Map<string, Promise<Channel>>();
  const turns = new Turns();
  const pages = new Pages();
  const audiences = new Audiences(turns);
  const readers = new Readers(options);

  function openChannel(stream: StreamName, format: Format): Promise<Channel> {
    const key = `${format.name} ${stream}`;
    const known = channels.get(key);
    if (known !== undefined) return known;
    const channel = new Channel(log, turns, pages, stream, format, () => {
      channels.delete(key);
      channel.close();
    });
    const opening = channel.open().then(
      () => channel,
      (error: unknown) => {
        channels.delete(key);
        channel.close();
        throw error;
      },
    );
    channels.set(key, opening);
    return opening;
  }

  /** Takes a reader in, and lets it hear what is told of these streams. */
  function enlist<Kind extends Connection>(
    make: (looksLeft: number, onLeave: () => void) => Kind,
    told: readonly StreamName[],
    { onGone, ...arrival }: ReaderArrival,
  ): Kind {
    const connection = readers.enlist(make, {
      ...arrival,
      onGone() {
        for (const stream of told) audiences.leave(stream, connection);
        onGone?.();
      },
    });
    for (const stream of told) audiences.join(stream, connection);
    return connection;
  }

  async function subscribe({ stream, format, sink, from, ...request }: SubscribeRequest): Promise<void> {
    let channel = await openChannel(stream, format);
    // Its last reader may have left while this one waited.
    while (channel.isDropped) channel = await openChannel(stream, format);
    if (readers.isClosed) {
      sink.end();
      return;
    }
    bring(channel, from);
    const after = offsetOf(channel, from);
    const subscription = enlist(
      (looks, onLeave) =>
        new Subscription(channel, sink, after, request.neverAges ? Infinity : looks, onLeave),
      format.isTold === true ? [stream] : [],
      { ...request, began: beganAs([from]) },
    );
    channel.add(subscription);
    subscription.begin();
    request.onReader?.(closerOf(subscription));
    // Only the reset brings the new cursor: cut before it, the reader comes back with its own, and is told again.
    const id = from.at === "reset" ? undefined : channel.cursorText(after);
    subscription.say(
      format.start(describeStart(channel, from, after), readers.retry(), id) +
        resetText(channel, from, after),
    );
    subscription.pump();
  }

  async function subscribeSeveral(request: SubscribeSeveralRequest): Promise<void> {
    if (readers.isClosed) {
      request.sink.end();
      return;
    }
    const { listening } = request;
    const read = request.streams.flatMap(({ stream, format }) => (format.isTold === true ? [stream] : []));
    const several = enlist(
      (looks, onLeave) => new MultiSubscription(request.sink, looks, onLeave),
      [...read, ...(listening?.streams ?? [])],
      { ...request, began: beganAs(request.streams.map(({ from }) => from)) },
    );
    request.onReader?.(closerOf(several));
    // Each channel gets its member at once, so that it stands while others are opened.
    const joining = request.streams.map(async ({ stream, format, from }) => {
      let channel = await openChannel(stream, format);
      while (channel.isDropped) channel = await openChannel(stream, format);
      bring(channel, from);
      return { channel, from, after: several.join(channel, offsetOf(channel, from)).offset };
    });
    const outcomes = await Promise.allSettled(joining);
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) {
      several.onClose();
      throw failed.reason;
    }
    const joined = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    const retryMs = readers.retry();
    several.open({
      retryMs,
      starts: joined.map(({ channel, from, after }) =>
        channel.format.start(describeStart(channel, from, after), retryMs, undefined),
      ),
      resets: joined
        .map(({ channel, from, after }) => resetText(channel, from, after))
        .filter((text) => text !== ""),
      ends: request.ends ?? [],
      ...(listening && { listening: { first: listening.first(), ping: listening.ping } }),
    });
  }

  function admit<Kind extends Connection>(
    make: (onLeave: () => void) => Kind,
    { onReader, ...arrival }: Parameters<Hub["admit"]>[1],
  ): Kind | undefined {
    if (readers.isClosed) return undefined;
    const reader = readers.enlist((_, onLeave) => make(onLeave), arrival);
    reader.begin();
    onReader?.(closerOf(reader));
    reader.pump();
    return reader;
  }

  return {
    subscribe,
    subscribeSeveral,
    admit,
    tell: (stream, topic, make) => audiences.tell(stream, topic, make),
    get readers() {
      return readers.count;
    },
    get readersBehind() {
      return readers.behind;
    },
    look: () => readers.look(),
    gone: () => readers.gone(),
    get counts() {
      return readers.counts;
    },
    cut: (id) => readers.cut(id),
    drain: (windowMs) => readers.drain(windowMs),
    close: () => readers.close(),
  };
}

function beganAs(starts: readonly ReadingStart[]): ReaderLook["began"] {
  if (starts.some(({ at }) => at === "reset")) return "reset";
  return starts.some(({ at }) => at === "after") ? "resumed" : "new";
}

/** Brings a channel to where its new reader is, or further. Errors: `log-unavailable` 503. */
function bring(channel: Channel, from: ReadingStart): void {
  if (from.at === "after" && !channel.reach(from.cursor, from.info)) {
    channel.leaveIfEmpty();
    throw new StreamError("log-unavailable", "This stream has just been replaced. Come again.");
  }
  channel.advance();
}

/** The offset after which reading begins. */
function offsetOf(channel: Channel, from: ReadingStart): number {
  if (from.at === "after") return from.cursor.offset;
  if (from.at === "now") return channel.head;
  return channel.info === undefined ? 0 : startOf(channel.info);
}

function describeStart(channel: Channel, from: ReadingStart, after: number): StreamStart {
  const isWaiting = channel.info === undefined;
  const start: StreamStart = {
    stream: channel.stream,
    status: isWaiting ? "waiting" : from.at === "after" ? "resumed" : "new",
  };
  const cursor = channel.cursorText(after);
  const head = channel.cursorText(channel.head);
  if (cursor !== undefined) start.from = cursor;
  if (head !== undefined) start.head = head;
  return start;
}

function resetText(channel: Channel, from: ReadingStart, after: number): string {
  return from.at === "reset" ? channel.format.reset(from.reason, channel.cursorText(after)) : "";
}
