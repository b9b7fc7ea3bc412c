import { cursorAt, formatCursor, resolveCursor } from "../protocol/cursor.ts";
import type { Cursor } from "../protocol/cursor.ts";
import type { Entry, StreamEnd } from "../protocol/event.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Commit, Log, ReadLimit, StreamInfo } from "../log/log.ts";
import type { Bundle } from "./bundle.ts";
import { encodeBundle, joinBundles } from "./bundle.ts";
import type { Format } from "./format.ts";
import type { Reader, Source } from "./reader.ts";
import { PageReader } from "./page-reader.ts";
import type { PageOwner } from "./page-reader.ts";
import type { Frame, Pages } from "./pages.ts";
import { Ring } from "./ring.ts";
import type { Turns } from "./turns.ts";

/** A flush waits for at most this long after the last one. */
const MAX_WAIT_MS = 20;
/** So many readers are written to in one step. */
const STEP_READERS = 4;

/** One stream in one format with all its readers: watches the log, encodes each event once, and flushes to the readers
 *  at once while that is cheap, in bundles while it is not: a flush comes no sooner after the last than that one took. */
export class Channel implements Source, PageOwner {
  readonly stream: StreamName;
  readonly format: Format;
  /** As it was last heard of, by the watch or by a read that was ahead of it. Undefined while the stream does not exist. */
  info: StreamInfo | undefined;
  /** The last offset that is given to readers. It stands while a flush is under way, so that all who were together stay together,
   *  and get the same bytes. */
  head = 0;
  /** The last offset that is committed. */
  #newest = 0;
  readonly readers: Reader[] = [];
  isDropped = false;
  readonly #log: Log;
  readonly #turns: Turns;
  readonly #onEmpty: () => void;
  readonly #unwatch: () => void;
  #ring = new Ring(0);
  readonly #pages: PageReader;
  #missed: Commit[] | undefined = [];
  #isFlushing = false;
  #flushAgain = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #lastFlushAt = -Infinity;
  #cost = 0;
  /** The last piece that was made: readers at the same cursor get the same buffer. */
  #shared: { after: number; limit: number; head: number; last: number; bundle: Bundle } | undefined;
  #ping: { head: number; bundle: Bundle } | undefined;

  constructor(log: Log, turns: Turns, pages: Pages, stream: StreamName, format: Format, onEmpty: () => void) {
    this.#log = log;
    this.#turns = turns;
    this.stream = stream;
    this.format = format;
    this.#onEmpty = onEmpty;
    this.#pages = new PageReader(log, turns, pages, this);
    this.#unwatch = log.watch(stream, (commit) => this.#onCommit(commit));
  }

  /** Reads where the stream stands; what is committed meanwhile is not missed. */
  async open(): Promise<void> {
    this.info = await this.#log.info(this.stream);
    this.#newest = this.info?.head ?? 0;
    this.advance();
    this.#ring = new Ring(this.head);
    const missed = this.#missed ?? [];
    this.#missed = undefined;
    for (const commit of missed) if (!this.isDropped) this.#onCommit(commit);
  }

  get isClosed(): boolean {
    return this.info?.isClosed === true && this.info.head === this.head;
  }

  /** Lets readers have all that is committed: one who comes is not told to be there while it lacks what was acknowledged before. */
  advance(): void {
    this.head = this.#newest;
  }

  /** Takes over what a reader's request has seen of the log, where news of it is still on its way from another node: the reader would
   *  be given cursors of an epoch that had ended before. False: that was another stream of this name. */
  reach(cursor: Cursor, seen: StreamInfo): boolean {
    const { info } = this;
    if (info && resolveCursor(info, cursor).status === "honoured") return true;
    const last = info?.epochs.at(-1)?.epoch;
    const goesOn = last === undefined || seen.epochs.some(({ epoch }) => epoch === last);
    if (!goesOn || seen.head < this.#newest) return false;
    this.#learn(seen);
    this.#jumpTo(seen.head);
    this.#schedule();
    return true;
  }

  /** Closes where nobody reads it. */
  leaveIfEmpty(): void {
    if (this.readers.length === 0) this.#onEmpty();
  }

  add(reader: Reader): void {
    reader.index = this.readers.push(reader) - 1;
  }

  remove(reader: Reader): void {
    const { index } = reader;
    const moved = this.readers.pop();
    // The last one takes its place.
    if (moved !== undefined && moved !== reader) {
      this.readers[index] = moved;
      moved.index = index;
    }
    this.leaveIfEmpty();
  }

  /** Stops watching; who still holds it must open another. */
  close(): void {
    this.isDropped = true;
    this.#unwatch();
    this.#pages.close();
    clearTimeout(this.#timer);
  }

  /** What follows `after`, as bytes that all readers at the same cursor share. Undefined: only the log still has it. */
  pieceAfter(after: number, limit: number): { last: number; bundle: Bundle } | undefined {
    if (!this.#ring.covers(after)) return undefined;
    const shared = this.#shared;
    if (shared?.after === after && shared.limit === limit && shared.head === this.head) return shared;
    const { bundles, last } = this.#ring.after(after, this.head, limit);
    this.#shared = { after, limit, head: this.head, last, bundle: joinBundles(bundles) };
    return this.#shared;
  }

  bundlesAfter(
    after: number,
    limit: number,
    lead: number,
  ): { last: number; bundles: readonly Bundle[] } | undefined {
    return this.#ring.covers(after) ? this.#ring.after(after, this.head, limit, lead) : undefined;
  }

  readFor(reader: Reader, limit: ReadLimit): void {
    this.#pages.readFor(reader, limit);
  }

  get isShared(): boolean {
    return this.readers.length > 1;
  }

  honours(info: StreamInfo, after: number): boolean {
    if (this.info === undefined) return true;
    const place = resolveCursor(info, cursorAt(this.info.epochs, after));
    return place.status === "honoured" || place.reason === "trimmed";
  }

  encodePage(info: StreamInfo, entries: readonly Entry[]): Frame[] {
    this.#learn(info);
    if ((entries.at(-1)?.offset ?? 0) > this.head) this.advance();
    return entries.map((entry) => ({ offset: entry.offset, bundle: this.#encode(info, entry) }));
  }

  describeTrim(info: StreamInfo): { block: string; start: number } {
    const start = startOf(info);
    this.#learn(info);
    if (start > this.#newest) {
      this.#jumpTo(info.head);
      this.advance();
    }
    return { block: this.format.reset("trimmed", formatCursor(cursorAt(info.epochs, start))), start };
  }

  cursorText(offset: number): string | undefined {
    return this.info && formatCursor(cursorAt(this.info.epochs, offset));
  }

  caughtUpText(offset: number): string {
    return this.format.caughtUp(this.cursorText(offset));
  }

  endText(reason: StreamEnd["reason"]): string {
    return this.format.end({ reason });
  }

  pingText(cursor: string | undefined): string {
    return this.format.ping(cursor);
  }

  pingBundle(): Bundle {
    if (this.#ping?.head !== this.head) {
      const text = this.pingText(this.cursorText(this.head));
      this.#ping = { head: this.head, bundle: encodeBundle(text) };
    }
    return this.#ping.bundle;
  }

  #onCommit(commit: Commit): void {
    if (this.#missed !== undefined) {
      this.#missed.push(commit);
      return;
    }
    if (commit.type !== "appended") {
      // Who goes leaves the list. Those who are cut come back with their cursors, and are told what became of them.
      for (let last = this.readers.at(-1); last !== undefined; last = this.readers.at(-1)) {
        if (commit.type === "deleted") last.onDeleted();
        else last.destroy();
      }
      // Who is on the way opens another: this one knows of a stream that is no more.
      if (!this.isDropped) this.#onEmpty();
      return;
    }
    // Its reader knew more.
    if (commit.info.head < this.#newest) return;
    this.#learn(commit.info);
    const [first] = commit.entries;
    if (first === undefined && commit.info.head > this.#newest) this.#jumpTo(commit.info.head);
    const isNext =
      first === undefined || commit.info.kind === "state" || first.offset - first.span <= this.#newest;
    // What a log did not tell is read from it.
    if (!isNext) this.#ring = new Ring(first.offset - first.span);
    for (const entry of commit.entries) {
      if (entry.offset <= this.#newest) continue;
      this.#ring.push(entry.offset, this.#encode(commit.info, entry), this.readers.length);
      this.#newest = entry.offset;
    }
    this.#schedule();
  }

  /** What is heard may be older than what is known. */
  #learn(info: StreamInfo): void {
    if (info.head >= (this.info?.head ?? 0)) this.info = info;
  }

  /** What lies before is read from the log. */
  #jumpTo(head: number): void {
    this.#ring = new Ring(head);
    this.#newest = head;
  }

  #encode(info: StreamInfo, entry: Entry): Bundle {
    return encodeBundle(this.format.entry(formatCursor(cursorAt(info.epochs, entry.offset)), entry));
  }

  #schedule(): void {
    if (this.#isFlushing) {
      this.#flushAgain = true;
      return;
    }
    if (this.#timer !== undefined) return;
    const wait = this.#lastFlushAt + Math.min(this.#cost, MAX_WAIT_MS) - performance.now();
    if (wait <= 0) {
      this.#flush();
      return;
    }
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#flush();
    }, wait);
  }

  /** Pumps the readers from the last down to the first, so that who leaves is replaced by one that had its turn: a few at once, a
   *  crowd step by step. */
  #flush(): void {
    this.#isFlushing = true;
    this.advance();
    const begunAt = performance.now();
    let spent = 0;
    let index = this.readers.length - 1;
    const step = () => {
      const begun = performance.now();
      const from = Math.min(index, this.readers.length - 1);
      for (index = from; index > from - STEP_READERS && index >= 0; index--) this.readers[index]?.pump();
      spent += performance.now() - begun;
      if (index >= 0) return true;
      this.#endFlush(begunAt, spent);
      return false;
    };
    if (this.readers.length <= STEP_READERS) step(); // A chat waits for no crowd.
    else this.#turns.add(step);
  }

  #endFlush(begunAt: number, spent: number): void {
    this.#isFlushing = false;
    this.#cost = spent;
    // What others did in between has let publishers go on already.
    this.#lastFlushAt = begunAt + spent;
    if (!this.#flushAgain) return;
    this.#flushAgain = false;
    this.#schedule();
  }
}

/** The offset after which reading a stream from its start begins. */
export function startOf(info: StreamInfo): number {
  return info.kind === "state" ? 0 : info.floor - 1;
}
