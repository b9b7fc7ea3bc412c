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
import type { HubCounts, LeaveReason, ReaderGone, ReaderLook } from "./look.ts";
import { MultiSubscription } from "./multi-subscription.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";
import { Roll } from "./roll.ts";
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
    arrival: ReaderArrival,
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

/** A reader that comes. */
export interface ReaderArrival {
  began: ReaderLook["began"];
  /** The id of the request that it came with, for who looks. */
  request?: string | undefined;
  /** The principal that reads, for who looks. */
  who?: string | undefined;
  onGone?: () => void;
  onReader?: (reader: OpenReader) => void;
}

/** A reader, for whoever may have to end it from outside. */
export interface OpenReader {
  /** Says this, whole blocks, and ends the connection: the reader comes back with its cursor. */
  close(blocks: string): void;
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

export interface HubOptions {
  /** Silence after which a reader gets a `ping`, in milliseconds. Default 15,000. */
  heartbeatMs?: number;
  /** Age at which a connection is closed so that its reader comes back, in milliseconds, ± 20 %. Default 600,000. */
  maxAgeMs?: number;
  /** How long a reader may take nothing before it is cut, or wait for the log before it is told to come again, in milliseconds. Default 30,000. */
  stallMs?: number;
  /** What a reader is told to wait before it reconnects, in milliseconds, ± 30 %. Default 2,000. */
  retryMs?: number;
  /** Default `Math.random`. */
  random?: () => number;
}

/** The clock looks at a part of the readers each time, so that their pings are spread. */
const LOOKS_PER_HEARTBEAT = 60;
const DRAIN_STEP_MS = 50;
const DRAIN_RETRY_MS = 500;
export function createHub(log: Log, options: HubOptions = {}): Hub {
  const {
    heartbeatMs = 15_000,
    maxAgeMs = 600_000,
    stallMs = 30_000,
    retryMs = 2_000,
    random = Math.random,
  } = options;
  const channels = new Map<string, Promise<Channel>>();
  const turns = new Turns();
  const audiences = new Audiences(turns);
  /** Readers by the part of the heartbeat in which they are looked at. */
  const slots = Array.from({ length: LOOKS_PER_HEARTBEAT }, () => new Set<Connection>());
  const roll = new Roll();
  let readers = 0;
  let isClosed = false;
  let turn = 0;
  const clock = setInterval(look, heartbeatMs / LOOKS_PER_HEARTBEAT);
  if (typeof clock === "object") clock.unref();

  function look(): void {
    turn = (turn + 1) % LOOKS_PER_HEARTBEAT;
    for (const connection of slots[turn] ?? []) {
      connection.looksLeft -= 1;
      // The first look may come at once after the last write.
      if ((connection.countStall() - 1) * heartbeatMs >= stallMs) dismiss(connection, "stalled");
      else if (connection.countWait() * heartbeatMs >= stallMs) {
        connection.say(`retry: ${retry()}\n\n`);
        dismiss(connection, "unanswered");
      } else if (!connection.isLive) continue;
      else if (connection.looksLeft <= 0) dismiss(connection, "aged");
      else if (connection.isFresh) connection.isFresh = false;
      else {
        connection.ping();
        connection.isFresh = false;
      }
    }
  }

  function openChannel(stream: StreamName, format: Format): Promise<Channel> {
    const key = `${format.name} ${stream}`;
    const known = channels.get(key);
    if (known !== undefined) return known;
    const channel = new Channel(log, turns, stream, format, () => {
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

  /** Counts a reader in, and out when it leaves. */
  function enlist<Kind extends Connection>(
    make: (looksLeft: number, onLeave: () => void) => Kind,
    told: readonly StreamName[],
    {
      onGone,
      request,
      who,
      began,
    }: Omit<ReaderArrival, "onGone" | "onReader"> & { onGone?: (() => void) | undefined },
  ): Kind {
    const slot = slots[Math.floor(random() * LOOKS_PER_HEARTBEAT)] ?? new Set<Connection>();
    const looks = Math.ceil((maxAgeMs * (0.8 + 0.4 * random())) / heartbeatMs);
    const connection = make(looks, () => {
      readers -= 1;
      roll.leave(connection);
      slot.delete(connection);
      for (const stream of told) audiences.leave(stream, connection);
      onGone?.();
    });
    readers += 1;
    roll.enter(connection, { request, who, began });
    slot.add(connection);
    for (const stream of told) audiences.join(stream, connection);
    return connection;
  }

  function retry(): number {
    return Math.round(retryMs * (0.7 + 0.6 * random()));
  }

  async function subscribe({ stream, format, sink, from, ...request }: SubscribeRequest): Promise<void> {
    let channel = await openChannel(stream, format);
    // Its last reader may have left while this one waited.
    while (channel.isDropped) channel = await openChannel(stream, format);
    if (isClosed) {
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
      format.start(describeStart(channel, from, after), retry(), id) + resetText(channel, from, after),
    );
    subscription.pump();
  }

  async function subscribeSeveral(request: SubscribeSeveralRequest): Promise<void> {
    if (isClosed) {
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
    const retryMs = retry();
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
    { onReader, ...arrival }: ReaderArrival,
  ): Kind | undefined {
    if (isClosed) return undefined;
    const reader = enlist((_, onLeave) => make(onLeave), [], arrival);
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
      return readers;
    },
    get readersBehind() {
      let behind = 0;
      for (const slot of slots) for (const { isLive } of slot) if (!isLive) behind += 1;
      return behind;
    },
    look: () => roll.look(),
    gone: () => roll.gone(),
    get counts() {
      return roll.counts;
    },
    cut(id) {
      const connection = roll.find(id);
      if (connection !== undefined) dismiss(connection, "cut");
      return connection !== undefined;
    },
    async drain(windowMs) {
      // Who is on the way is not taken in any more.
      isClosed = true;
      const endsAt = performance.now() + windowMs;
      for (let left = windowMs; left > 0; left = endsAt - performance.now()) {
        if (readers === 0) return;
        await new Promise((resolve) => setTimeout(resolve, Math.min(DRAIN_STEP_MS, left)));
        const share = Math.min(1, DRAIN_STEP_MS / Math.max(left, DRAIN_STEP_MS));
        let due = Math.ceil(readers * share);
        for (const slot of slots) {
          for (const connection of slot) {
            if (due-- <= 0) break;
            // Soon: they are spread already.
            connection.say(`retry: ${Math.round(DRAIN_RETRY_MS * (0.5 + random()))}\n\n`);
            dismiss(connection, "drained");
          }
        }
      }
    },
    close() {
      isClosed = true;
      clearInterval(clock);
      for (const slot of slots) {
        for (const connection of slot) {
          connection.say(`retry: ${Math.round(retryMs * (1 + 3 * random()))}\n\n`);
          dismiss(connection, "drained");
        }
      }
    },
  };
}

function dismiss(connection: Connection, why: LeaveReason): void {
  connection.why = why;
  if (why === "stalled" || why === "cut") connection.destroy();
  else connection.end();
}

function closerOf(connection: Connection): OpenReader {
  return {
    close(blocks) {
      connection.why = "expired";
      connection.say(blocks);
      connection.end();
    },
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
