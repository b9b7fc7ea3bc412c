import type { Bus } from "../log/bus.ts";
import { StreamError } from "../protocol/error.ts";
import type { Signal } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import { encodeSse } from "../protocol/sse-encode.ts";
import type { Hub } from "./hub.ts";

/** A signal as it is sent. */
export interface NewSignal {
  stream: StreamName;
  kind: string;
  person: string;
  sender: string;
  stop: boolean;
  data?: Record<string, unknown> | undefined;
}

/** What is told to the readers of a moment, and to nobody later. */
export interface Signals {
  /** Tells a signal to those who read its stream now, on every node. A stop ends one that still holds, however soon it comes; else it
   *  has nothing to end, and is not told.
   *  Errors: `too-many-signals` 429. */
  send(signal: NewSignal): void;
  close(): void;
}

export interface SignalsOptions {
  /** Between two signals of one sender, kind and stream, in milliseconds. Default 1,000. */
  gapMs?: number;
  /** Kinds of one sender in one stream that hold at the same time. Default 8. */
  maxKinds?: number;
  /** Senders, counted in each stream, of whom something holds. Default 10,000. */
  maxSenders?: number;
  /** Milliseconds of a clock that is never set back. Default: `performance.now`. */
  now?: () => number;
}

/** Gone six seconds after the last, with the way to the reader and its timer in that. */
const SIGNAL_TTL_MS = 5_750;

/** What one sender has told in one stream: when, by kind, the latest last. */
interface Sender {
  kinds: Map<string, number>;
  lastAt: number;
}

export function createSignals(bus: Bus, hub: Pick<Hub, "tell">, options: SignalsOptions = {}): Signals {
  const { gapMs = 1_000, maxKinds = 8, maxSenders = 10_000, now = () => performance.now() } = options;
  /** By stream and sender, the latest last, so that those of whom nothing holds any more stand in front. */
  const senders = new Map<string, Sender>();
  const unsubscribe = bus.subscribe("signal", (hint) => {
    // What is on the bus is our own.
    const signal = JSON.parse(hint) as Signal;
    note(signal);
    hub.tell(signal.stream as StreamName, `signal ${signal.sender} ${signal.kind}`, () =>
      encodeSse({ event: "signal", data: hint }),
    );
  });

  /** Remembers what holds, whichever node it came from. */
  function note({ stream, kind, sender, stop }: Signal): void {
    const key = `${stream} ${sender}`;
    const known = senders.get(key) ?? { kinds: new Map<string, number>(), lastAt: 0 };
    for (const [other, at] of known.kinds) if (now() - at >= SIGNAL_TTL_MS) known.kinds.delete(other);
    known.kinds.delete(kind);
    if (stop !== true) known.kinds.set(kind, now());
    known.lastAt = now();
    senders.delete(key);
    if (known.kinds.size > 0) senders.set(key, known);
  }

  function forget(): void {
    for (const [key, { lastAt }] of senders) {
      if (now() - lastAt < SIGNAL_TTL_MS) return;
      senders.delete(key);
    }
  }

  function check({ stream, kind, sender }: NewSignal): void {
    const known = senders.get(`${stream} ${sender}`);
    if (known === undefined && senders.size >= maxSenders) {
      refuse(`${maxSenders} senders are heard at a time`);
    }
    const before = known?.kinds.get(kind);
    if (before !== undefined && now() - before < gapMs) refuse(`one of a kind passes each ${gapMs} ms`);
    const held = [...(known?.kinds.values() ?? [])].filter((at) => now() - at < SIGNAL_TTL_MS).length;
    if (before === undefined && held >= maxKinds) refuse(`a sender has ${maxKinds} kinds at a time`);
  }

  return {
    send(signal) {
      forget();
      const { stream, kind, person, sender, stop, data } = signal;
      if (!stop) check(signal);
      else if (senders.get(`${stream} ${sender}`)?.kinds.has(kind) !== true) return;
      const told: Signal = {
        stream,
        kind,
        person,
        sender,
        ...(stop ? { stop } : { ttlMs: SIGNAL_TTL_MS }),
        ...(data !== undefined && { data }),
      };
      bus.publish("signal", JSON.stringify(told));
    },
    close: unsubscribe,
  };
}

function refuse(why: string): never {
  throw new StreamError(
    "too-many-signals",
    `It was not told: ${why}. Nothing is lost by that; say what holds then in a moment.`,
  );
}
