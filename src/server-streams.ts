import { unknownStream } from "./http/auth/check-read.ts";
import { parseEvents, appended } from "./http/streams.ts";
import { refuseReserved } from "./http/request-name.ts";
import { startOf } from "./hub/hub.ts";
import type { Log, ReadOutcome, StreamInfo } from "./log/log.ts";
import { cursorAt, formatCursor, requireCursor, resolveCursor } from "./protocol/cursor.ts";
import type { Cursor, ResetReason } from "./protocol/cursor.ts";
import { StreamError } from "./protocol/error.ts";
import type { StreamKind } from "./protocol/event.ts";
import { sha256 } from "./protocol/hash.ts";
import { parseStreamName } from "./protocol/names.ts";
import type { StreamName } from "./protocol/names.ts";

/** Streams for server code: what the HTTP interface does with them, without HTTP. The types of events are the caller's word. */
export interface Streams {
  /** Appends an event, or several in one commit.
   *  Shape:  1 to 1,000 objects at a time, each at most 256 KiB as JSON; in a `state` stream each with a `key`.
   *  Order:  calls without a `key` take effect in the order in which they are made; the next need not wait for the last one's answer.
   *  Done:   they are committed, and readers are being told. `cursor` is that of the last.
   *  Errors: `invalid-event` 400, `invalid-name` 400, `invalid-request` 400 beyond 1,000, `reserved-name` 403 for what is the server's
   *          own (`chats/`, `runs/`, `people/`, `sys/`), `stream-closed` 409, `kind-conflict` 409, `event-too-large` 413,
   *          `key-reused` 422, `log-unavailable` 503, `log-full` 507. */
  append<Event extends object = object>(
    stream: string,
    events: Event | readonly Event[],
    options?: AppendCallOptions,
  ): Promise<{ cursor: string }>;
  /** Reads a stream from a cursor on, any stream, also those of chats and runs.
   *  Shape:  `event` is what was appended; deltas of a chat come merged, with their `span`. Read as it is consumed: at most a page,
   *          48 KiB, is held.
   *  Order:  of the stream; nothing is left out or comes twice.
   *  End:    at the head of the moment in which it began, or with `live` when the stream is closed or deleted.
   *  Errors: `invalid-name` 400, `invalid-cursor` 400, `stream-unknown` 404 (with `live` it waits), StreamResetError 410, those of the
   *          log; the reason of `signal`. */
  read<Event extends object = object>(
    stream: string,
    options?: ReadCallOptions,
  ): AsyncGenerator<ReadEvent<Event>, void, undefined>;
}

export interface AppendCallOptions {
  /** What a stream is made as if it does not exist; one that does has to be of this kind. Default: `log`, and any is taken. */
  kind?: "log" | "state";
  /** Closes the stream with this append, which may then be of no event: `[]`. Default false. */
  close?: boolean;
  /** The same key, the same append: 1 to 128 visible ASCII characters, kept for 24 hours. Default: none. */
  key?: string;
}

export interface ReadCallOptions {
  /** A cursor, `start` or `now`. Default `start`: the oldest that is kept. */
  after?: string;
  /** Whether to wait for what is yet to come. Default false. */
  live?: boolean;
  /** Ends reading: the iteration throws its reason. To leave a `for await` while it waits, there is nothing else. */
  signal?: AbortSignal;
}

export interface ReadEvent<Event extends object = object> {
  /** To go on after this event: `{ after: cursor }`. */
  cursor: string;
  /** When it was appended, in Unix milliseconds. */
  at: number;
  event: Event;
}

/** A cursor cannot be honoured: what was read so far is not what is kept. */
export class StreamResetError extends StreamError {
  readonly reason: ResetReason;
  /** The cursor after which all that is kept is read. */
  readonly from: string;

  constructor(stream: StreamName, reason: ResetReason, from: string) {
    super(
      "stream-reset",
      `${stream} cannot be read on from this cursor (${reason}). Drop what was read of it, and read it anew, after ${from}.`,
    );
    this.name = "StreamResetError";
    this.reason = reason;
    this.from = from;
  }
}

const KEY = /^[\x21-\x7e]{1,128}$/;
const KEY_TTL_MS = 24 * 3_600_000;

export function createStreams(log: Log): Streams {
  async function append(
    stream: string,
    events: object,
    { kind, close = false, key }: AppendCallOptions = {},
  ): Promise<{ cursor: string }> {
    const name = refuseReserved(parseStreamName(stream));
    if (key !== undefined && !KEY.test(key))
      throw new StreamError("invalid-key", "A key has 1 to 128 visible ASCII characters, no spaces.");
    const known = await kindOf(name, kind);
    const parsed = parseEvents(events, known ?? kind ?? "log", close);
    const outcome = await log.append(name, parsed, {
      create: { kind: kind ?? "log" },
      close,
      ...(key !== undefined && {
        key: {
          id: `server append ${name} ${key}`,
          digest: await sha256(`${close} ${JSON.stringify(events)}`),
          expiresAt: Date.now() + KEY_TTL_MS,
        },
      }),
    });
    return { cursor: appended(outcome, name) };
  }

  async function kindOf(name: StreamName, wanted: StreamKind | undefined): Promise<StreamKind | undefined> {
    const info = await log.info(name);
    if (info === undefined || wanted === undefined || info.kind === wanted) return info?.kind;
    throw new StreamError(
      "kind-conflict",
      `${name} exists and is of kind ${info.kind}. Delete it first, or take another name.`,
    );
  }

  async function* read<Event extends object>(
    stream: string,
    { after = "start", live = false, signal }: ReadCallOptions = {},
  ): AsyncGenerator<ReadEvent<Event>, void, undefined> {
    const name = parseStreamName(stream);
    // Before the first look: what comes in between is seen by one of the two.
    const news = live ? watchNews(log, name) : undefined;
    try {
      let place = await placeOf(name, after);
      let until = live ? Infinity : undefined;
      for (;;) {
        signal?.throwIfAborted();
        news?.forget();
        const page = await readPage(name, place);
        if (page === undefined && !live) throw unknownStream(name);
        // It was there before: it was deleted.
        if (page === undefined && place !== undefined) return;
        until ??= page?.info.head ?? 0;
        for (const entry of page?.entries ?? []) {
          signal?.throwIfAborted();
          place = cursorAt(page?.info.epochs ?? [], entry.offset);
          yield { cursor: formatCursor(place), at: entry.at, event: JSON.parse(entry.data) as Event }; // the caller's word
        }
        if ((place?.offset ?? 0) >= until) return;
        if (page !== undefined && page.entries.length > 0) continue;
        if (news === undefined || page?.info.isClosed === true) return;
        await news.wait(signal);
      }
    } finally {
      news?.stop();
    }
  }

  /** Where reading begins; undefined: at the oldest that is kept. */
  async function placeOf(name: StreamName, after: string): Promise<Cursor | undefined> {
    if (after === "start") return undefined;
    if (after !== "now") return requireCursor(after);
    const info = await log.info(name);
    return info && cursorAt(info.epochs, info.head);
  }

  /** What follows a place; undefined: there is no such stream. A place that is none any more is never passed over in silence. */
  async function readPage(name: StreamName, place: Cursor | undefined): Promise<Page | undefined> {
    const info = await log.info(name);
    if (info === undefined) return undefined;
    const resumption = place && resolveCursor(info, place);
    if (resumption?.status === "reset") throw resetError(name, resumption.reason, info);
    const page = await log.read(name, place?.offset ?? startOf(info));
    switch (page.status) {
      case "page": {
        // Deleted and made anew since the look above.
        const isSame = place === undefined || resolveCursor(page.info, place).status === "honoured";
        return isSame ? page : readPage(name, place);
      }
      case "missing":
      case "trimmed":
        return readPage(name, place);
    }
  }

  return { append, read };
}

type Page = Extract<ReadOutcome, { status: "page" }>;

function resetError(name: StreamName, reason: ResetReason, info: StreamInfo): StreamResetError {
  return new StreamResetError(name, reason, formatCursor(cursorAt(info.epochs, startOf(info))));
}

/** Knows whether something came since it was last told to forget. */
function watchNews(log: Log, name: StreamName) {
  let isNew = false;
  let wake: (() => void) | undefined;
  const unwatch = log.watch(name, () => {
    isNew = true;
    wake?.();
  });
  return {
    forget: () => void (isNew = false),
    /** Resolves when something came. Errors: the reason of the signal. */
    wait: (signal: AbortSignal | undefined) =>
      new Promise<void>((resolve, reject) => {
        const onAbort = () => settle(() => reject(signal?.reason as Error)); // what its owner aborted it with
        const settle = (say: () => void) => {
          wake = undefined;
          signal?.removeEventListener("abort", onAbort);
          say();
        };
        wake = () => settle(resolve);
        signal?.addEventListener("abort", onAbort);
        if (signal?.aborted === true) onAbort();
        else if (isNew) wake();
      }),
    stop: unwatch,
  };
}
