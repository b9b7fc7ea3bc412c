import type { Bundle } from "./bundle.ts";
import type { Page } from "./pages.ts";
import type { ReadLimit } from "../log/log.ts";
import type { StreamName } from "../protocol/names.ts";

/** What a channel knows of who reads it: a cursor, and how to wake it. */
export interface Reader {
  /** Its place in the channel's list. */
  index: number;
  /** The last event that was written. */
  readonly offset: number;
  /** Whether it waits for what `readFor` reads. */
  readonly isReading: boolean;
  /** Writes what there is, until it is at the head, blocked, or waits for the log. */
  pump(): void;
  /** Takes what the log gave to a reader that is behind the ring. */
  takePage(page: Page): void;
  /** Takes that it was overtaken by the floor, and goes on after `start`. */
  takeReset(block: string, start: number): void;
  /** Says that the stream is gone, and leaves the channel. */
  onDeleted(): void;
  /** Cuts a reader that cannot be served: it comes back with its cursor. */
  destroy(): void;
}

/** What a reader reads from: a channel. */
export interface Source {
  readonly stream: StreamName;
  /** The last offset that can be given to readers. */
  readonly head: number;
  /** Whether nothing comes after the head. */
  readonly isClosed: boolean;
  /** What follows `after`, in bytes shared with the other readers. Undefined: only the log has it. */
  pieceAfter(after: number, limit: number): { last: number; bundle: Bundle } | undefined;
  /** The same, event by event, for who writes `lead` bytes of its own before each. */
  bundlesAfter(
    after: number,
    limit: number,
    lead: number,
  ): { last: number; bundles: readonly Bundle[] } | undefined;
  /** Reads from the log; answers by `takePage`, `takeReset` or `onDeleted`. */
  readFor(reader: Reader, limit: ReadLimit): void;
  /** The cursor of an offset; undefined while the stream does not exist. */
  cursorText(offset: number): string | undefined;
  caughtUpText(offset: number): string;
  endText(reason: "closed" | "deleted"): string;
  pingText(cursor: string | undefined): string;
  /** A ping with the cursor of the head, shared by all who are there. */
  pingBundle(): Bundle;
  add(reader: Reader): void;
  remove(reader: Reader): void;
}
