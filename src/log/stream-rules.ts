import type { StreamKind } from "../protocol/event.ts";
import { StreamError } from "../protocol/error.ts";
import type { Retention } from "./log.ts";

// What is the same for every log.

const DAY_MS = 24 * 3_600_000;
/** An event is at most this long, in characters of JSON text. */
const MAX_EVENT_LENGTH = 262_144;

export const DEFAULT_RETENTION: Record<StreamKind, Retention> = {
  log: { maxEvents: 10_000, maxBytes: 64 * 1_048_576, maxAgeMs: 30 * DAY_MS },
  state: { maxEvents: 10_000 },
  chat: {},
};

/** Errors: `event-too-large` 413. */
export function checkEventLength(data: string): void {
  if (data.length <= MAX_EVENT_LENGTH) return;
  throw new StreamError(
    "event-too-large",
    `An event has ${data.length} characters; at most ${MAX_EVENT_LENGTH} are taken. Send it in parts.`,
  );
}

/** A name for an epoch that no other stream of this log has: 10 characters of base36, 51 random bits. */
export function createEpoch(): string {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return ((high % 0x80000) * 0x100000000 + low).toString(36).padStart(10, "0").slice(-10);
}
