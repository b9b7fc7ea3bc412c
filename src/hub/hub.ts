import type { ResetReason } from "../protocol/cursor.ts";
import type { StreamStart } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Log } from "../log/log.ts";
import { Channel, startOf } from "./channel.ts";
import type { Format } from "./format.ts";
import type { Sink } from "./sink.ts";
import { Subscription } from "./subscription.ts";

/** Who is listening: readers of streams, each a cursor. */
export { startOf } from "./channel.ts";

export interface Hub {
  /** Begins to read to a sink; resolves when its first bytes are written.
   *  End: the sink is ended when the stream is closed or deleted, at the reader's age, and by `close`. */
  subscribe(request: SubscribeRequest): Promise<void>;
  /** Readers at this moment. */
  readonly readers: number;
  /** Ends all readers, each with a `retry` of its own, and takes no more. */
  close(): void;
}

export interface SubscribeRequest {
  stream: StreamName;
  format: Format;
  sink: Sink;
  /** Where to go on. */
  from: ReadingStart;
  onGone?: () => void;
}

/** The start of what is kept, what comes from now on, a cursor that is honoured, or the start with the reason why. */
export type ReadingStart =
  | { at: "start" }
  | { at: "now" }
  | { at: "after"; offset: number }
  | { at: "reset"; reason: ResetReason };

export interface HubOptions {
  /** Silence after which a reader gets a `ping`, in milliseconds. Default 15,000. */
  heartbeatMs?: number;
  /** Age at which a connection is closed so that its reader comes back, in milliseconds, ± 20 %. Default 600,000. */
  maxAgeMs?: number;
  /** How long a reader may take nothing before it is cut, in milliseconds. Default 30,000. */
  stallMs?: number;
  /** What a reader is told to wait before it reconnects, in milliseconds, ± 30 %. Default 2,000. */
  retryMs?: number;
  /** Default `Math.random`. */
  random?: () => number;
}

/** The clock looks at a part of the readers each time, so that their pings are spread. */
const LOOKS_PER_HEARTBEAT = 60;

export function createHub(log: Log, options: HubOptions = {}): Hub {
  const {
    heartbeatMs = 15_000,
    maxAgeMs = 600_000,
    stallMs = 30_000,
    retryMs = 2_000,
    random = Math.random,
  } = options;
  const channels = new Map<string, Promise<Channel>>();
  /** Readers by the part of the heartbeat in which they are looked at. */
  const slots = Array.from({ length: LOOKS_PER_HEARTBEAT }, () => new Map<Subscription, Channel>());
  let readers = 0;
  let isClosed = false;
  let turn = 0;
  const clock = setInterval(look, heartbeatMs / LOOKS_PER_HEARTBEAT);
  if (typeof clock === "object") clock.unref();

  function look(): void {
    turn = (turn + 1) % LOOKS_PER_HEARTBEAT;
    for (const [subscription, channel] of slots[turn] ?? []) {
      subscription.looksLeft -= 1;
      // The first look may come at once after the last write.
      if ((subscription.countStall() - 1) * heartbeatMs >= stallMs) subscription.destroy();
      else if (!subscription.isLive) continue;
      else if (subscription.looksLeft <= 0) subscription.end();
      else if (subscription.isFresh) subscription.isFresh = false;
      else {
        subscription.sayShared(channel.pingBundle());
        subscription.isFresh = false;
      }
    }
  }

  function openChannel(stream: StreamName, format: Format): Promise<Channel> {
    const key = `${format.name} ${stream}`;
    const known = channels.get(key);
    if (known !== undefined) return known;
    const channel = new Channel(log, stream, format, () => {
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

  async function subscribe({ stream, format, sink, from, onGone }: SubscribeRequest): Promise<void> {
    let channel = await openChannel(stream, format);
    // Its last reader may have left while this one waited.
    while (channel.isDropped) channel = await openChannel(stream, format);
    if (isClosed) {
      sink.end();
      return;
    }
    const slot = slots[Math.floor(random() * LOOKS_PER_HEARTBEAT)] ?? new Map<Subscription, Channel>();
    const { info } = channel;
    const start = info === undefined ? 0 : startOf(info);
    const after = from.at === "after" ? from.offset : from.at === "now" ? channel.head : start;
    const looks = Math.ceil((maxAgeMs * (0.8 + 0.4 * random())) / heartbeatMs);
    const subscription = new Subscription(channel, sink, after, looks, () => {
      readers -= 1;
      slot.delete(subscription);
      onGone?.();
    });
    readers += 1;
    slot.set(subscription, channel);
    channel.add(subscription);
    subscription.begin();
    const retry = Math.round(retryMs * (0.7 + 0.6 * random()));
    const first: StreamStart = {
      stream,
      status: info === undefined ? "waiting" : from.at === "after" ? "resumed" : "new",
    };
    const cursor = channel.cursorText(after);
    const head = channel.cursorText(channel.head);
    if (cursor !== undefined) first.from = cursor;
    if (head !== undefined) first.head = head;
    subscription.say(
      format.start(first, retry) + (from.at === "reset" ? format.reset(from.reason, cursor) : ""),
    );
    subscription.pump();
  }

  return {
    subscribe,
    get readers() {
      return readers;
    },
    close() {
      isClosed = true;
      clearInterval(clock);
      for (const slot of slots) {
        for (const subscription of slot.keys()) {
          subscription.say(`retry: ${Math.round(retryMs * (1 + 3 * random()))}\n\n`);
          subscription.end();
        }
      }
    },
  };
}
