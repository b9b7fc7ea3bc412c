import type { Bus } from "../log/bus.ts";
import { StreamError } from "../protocol/error.ts";
import type { PresentPerson, Presence as View } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import { encodeSse } from "../protocol/sse-encode.ts";
import type { Hub } from "./hub.ts";

/** Who is here: leases, since a reader that dies says nothing. */
export interface Presence {
  /** How often a lease is to be renewed, in milliseconds. */
  readonly renewMs: number;
  /** Says that a person is here, for as long as a lease lasts; what is said again renews it.
   *  Errors: `too-many-people` 429. */
  renew(stream: StreamName, person: string, data?: Record<string, unknown>): void;
  leave(stream: StreamName, person: string): void;
  /** A connection of this person has opened; returns what says that it has closed. After the last one the leases end soon. */
  open(person: string): () => void;
  view(stream: StreamName): View;
  /** The same as it is told to readers: a whole block without an id. What would be longer than `maxLength` only counts. */
  block(stream: StreamName, maxLength?: number): string;
  close(): void;
}

export interface PresenceOptions {
  /** How long a person is here after the last renewal, in milliseconds. Default 45,000. */
  leaseMs?: number;
  /** And after the last connection has closed. Default 4,000, so that its readers hear of it within 5 s. */
  graceMs?: number;
  /** People, counted in each stream. Default 50,000. */
  maxPeople?: number;
  /** Streams in which one person is. Default 32. */
  maxStreams?: number;
  /** Milliseconds of a clock that is never set back. Default: `performance.now`. */
  now?: () => number;
}

/** Who is here is told by name while so many are; a crowd is only counted. */
const MAX_NAMED = 50;
const SWEEP_MS = 200;
/** A lease is over so much before its time, that readers are told within it: a sweep, a telling, and the way. */
const EARLY_MS = 400;

type Hint =
  | { type: "here"; stream: StreamName; person: string; data?: Record<string, unknown> }
  | { type: "gone"; stream: StreamName; person: string }
  /** The last connection of a person has closed, or one has opened. */
  | { type: "cut" | "back"; person: string };

interface Lease {
  since: number;
  renewedAt: number;
  endsAt: number;
  /** JSON text. */
  data: string | undefined;
}

export function createPresence(bus: Bus, hub: Pick<Hub, "tell">, options: PresenceOptions = {}): Presence {
  const {
    leaseMs = 45_000,
    graceMs = 4_000,
    maxPeople = 50_000,
    maxStreams = 32,
    now = () => performance.now(),
  } = options;
  /** By stream and person, in the order in which they came. */
  const streams = new Map<StreamName, Map<string, Lease>>();
  /** The streams of each person. */
  const places = new Map<string, Set<StreamName>>();
  const connections = new Map<string, number>();
  let people = 0;
  let clock: ReturnType<typeof setInterval> | undefined;
  const unsubscribe = bus.subscribe("presence", (text) => {
    const hint = JSON.parse(text) as Hint; // what is on the bus is our own
    if (hint.type === "here") renew(hint.stream, hint.person, hint.data);
    else if (hint.type === "gone") remove(hint.stream, hint.person);
    else setEnds(hint.person, hint.type);
    // Cut on another node, and still connected to this one.
    if (hint.type === "cut" && connections.has(hint.person)) publish({ type: "back", person: hint.person });
  });

  function publish(hint: Hint): void {
    bus.publish("presence", JSON.stringify(hint));
  }

  function renew(stream: StreamName, person: string, data: Record<string, unknown> | undefined): void {
    const leases = streams.get(stream) ?? new Map<string, Lease>();
    const known = leases.get(person);
    const lease = {
      since: known?.since ?? Date.now(),
      renewedAt: now(),
      endsAt: now() + leaseMs,
      data: data && JSON.stringify(data),
    };
    streams.set(stream, leases.set(person, lease));
    if (known === undefined) {
      people += 1;
      places.set(person, (places.get(person) ?? new Set()).add(stream));
      startClock();
    }
    if (known === undefined || known.data !== lease.data) tell(stream);
  }

  function remove(stream: StreamName, person: string): void {
    const leases = streams.get(stream);
    if (leases?.delete(person) !== true) return;
    people -= 1;
    if (leases.size === 0) streams.delete(stream);
    const place = places.get(person);
    place?.delete(stream);
    if (place?.size === 0) places.delete(person);
    tell(stream);
  }

  function setEnds(person: string, type: "cut" | "back"): void {
    for (const stream of places.get(person) ?? []) {
      const lease = streams.get(stream)?.get(person);
      if (lease === undefined) continue;
      const full = lease.renewedAt + leaseMs;
      lease.endsAt = type === "cut" ? Math.min(full, now() + graceMs) : full;
    }
  }

  function startClock(): void {
    clock ??= setInterval(sweep, SWEEP_MS);
    if (typeof clock === "object") clock.unref();
  }

  function sweep(): void {
    const until = now() + EARLY_MS;
    for (const [stream, leases] of streams) {
      for (const [person, { endsAt }] of leases) if (endsAt <= until) remove(stream, person);
    }
    if (people > 0) return;
    clearInterval(clock);
    clock = undefined;
  }

  function tell(stream: StreamName): void {
    hub.tell(stream, "presence", () => block(stream));
  }

  function block(stream: StreamName, maxLength = Infinity): string {
    const { people: named, ...counted } = view(stream);
    const data = JSON.stringify({ ...counted, people: named });
    return encodeSse({ event: "presence", data: data.length > maxLength ? JSON.stringify(counted) : data });
  }

  function view(stream: StreamName): View {
    const leases = streams.get(stream) ?? new Map<string, Lease>();
    const count = leases.size;
    const at = Date.now();
    if (count > MAX_NAMED) return { stream, at, count };
    return { stream, at, count, people: [...leases].map(([person, lease]) => describe(person, lease)) };
  }

  function check(stream: StreamName, person: string): void {
    if (streams.get(stream)?.has(person) === true) return;
    if (people >= maxPeople) refuse(`${maxPeople} people are here, which is the limit`);
    if ((places.get(person)?.size ?? 0) >= maxStreams) refuse(`one is here in ${maxStreams} streams at most`);
  }

  return {
    renewMs: Math.round((leaseMs * 4) / 9),
    renew(stream, person, data) {
      check(stream, person);
      publish({ type: "here", stream, person, ...(data && { data }) });
    },
    leave: (stream, person) => publish({ type: "gone", stream, person }),
    open(person) {
      connections.set(person, (connections.get(person) ?? 0) + 1);
      if (places.has(person)) publish({ type: "back", person });
      let isOpen = true;
      return () => {
        if (!isOpen) return;
        isOpen = false;
        const left = (connections.get(person) ?? 1) - 1;
        if (left > 0) connections.set(person, left);
        else if (connections.delete(person) && places.has(person)) publish({ type: "cut", person });
      };
    },
    view,
    block,
    close() {
      unsubscribe();
      clearInterval(clock);
    },
  };
}

function describe(person: string, { since, data }: Lease): PresentPerson {
  // It was an object when it came.
  return { person, since, ...(data !== undefined && { data: JSON.parse(data) as Record<string, unknown> }) };
}

function refuse(why: string): never {
  throw new StreamError("too-many-people", `${why}. Leave elsewhere, or ask again in a moment.`);
}
