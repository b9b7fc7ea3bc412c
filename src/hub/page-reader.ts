import type { Entry } from "../protocol/event.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Log, ReadLimit, StreamInfo } from "../log/log.ts";
import { Pages, makePage } from "./pages.ts";
import type { Frame } from "./pages.ts";
import type { Reader } from "./reader.ts";
import type { Turns } from "./turns.ts";

const RETRY_READ_MS = 250;

/** The channel whose stream is read. */
export interface PageOwner {
  readonly stream: StreamName;
  readonly head: number;
  /** Whether others read beside the one who asks. */
  readonly isShared: boolean;
  /** Whether what follows an offset in the stream as it was read is what follows it for our readers: it may be another one by now, of which
   *  they are not told yet. */
  honours(info: StreamInfo, after: number): boolean;
  encodePage(info: StreamInfo, entries: readonly Entry[]): Frame[];
  /** What a reader is told that was overtaken by the floor, and after which offset it goes on. */
  describeTrim(info: StreamInfo): { block: string; start: number };
}

/** Reads a stream from the log for readers that are behind the ring: once for all who are at the same place, and each in its turn. */
export class PageReader {
  readonly #log: Log;
  readonly #turns: Turns;
  readonly #owner: PageOwner;
  readonly #pages = new Pages();
  /** In the order in which they asked. */
  readonly #waiting: Reading[] = [];
  #isServing = false;
  /** What is being read, and for whom. */
  readonly #reads = new Map<string, Reading[]>();

  constructor(log: Log, turns: Turns, owner: PageOwner) {
    this.#log = log;
    this.#turns = turns;
    this.#owner = owner;
  }

  /** Answers by `takePage`, `takeReset` or `onDeleted`. */
  readFor(reader: Reader, limit: ReadLimit): void {
    this.#waiting.push({ reader, limit });
    if (this.#isServing) return;
    this.#isServing = true;
    this.#turns.add(() => this.#serveNext());
  }

  #serveNext(): boolean {
    const reading = this.#waiting.shift();
    if (reading?.reader.isReading === true) {
      const page = this.#pages.find(reading.reader.offset, limitText(reading.limit));
      if (page === undefined) this.#read(reading);
      else reading.reader.takePage(page);
    }
    this.#isServing = this.#waiting.length > 0;
    return this.#isServing;
  }

  #read(reading: Reading): void {
    const { reader, limit } = reading;
    const place = `${reader.offset} ${limitText(limit)}`;
    const others = this.#reads.get(place);
    if (others !== undefined) {
      others.push(reading);
      return;
    }
    const all = [reading];
    this.#reads.set(place, all);
    void this.#readPage(place, reader.offset, limit, all);
  }

  async #readPage(place: string, after: number, limit: ReadLimit, all: readonly Reading[]): Promise<void> {
    try {
      const outcome = await this.#log
        .read(this.#owner.stream, after, limit)
        // Before anybody is answered: who asks from then on has a read of its own, and waits for none that is over.
        .finally(() => this.#reads.delete(place));
      const readers = all.map(({ reader }) => reader).filter(({ isReading }) => isReading);
      if (outcome.status !== "missing" && !this.#owner.honours(outcome.info, after)) {
        // They come back with their cursors, and are told what became of them.
        for (const reader of readers) reader.destroy();
        return;
      }
      switch (outcome.status) {
        case "missing":
          for (const reader of readers) reader.onDeleted();
          return;
        case "trimmed": {
          const { block, start } = this.#owner.describeTrim(outcome.info);
          for (const reader of readers) reader.takeReset(block, start);
          return;
        }
        case "page": {
          const frames = this.#owner.encodePage(outcome.info, outcome.entries);
          const isKept = frames.length > 0 && this.#owner.isShared;
          const page = isKept
            ? this.#pages.keep(after, limitText(limit), frames)
            : makePage(after, frames, Math.max(after, this.#owner.head));
          const [first, ...others] = readers;
          first?.takePage(page);
          for (const reader of others) this.readFor(reader, limit);
          return;
        }
      }
    } catch (error) {
      if (!(error instanceof StreamError)) {
        for (const { reader } of all) reader.destroy();
        throw error;
      }
      // The log is away. The readers' cursors stand, so nothing is lost by asking again.
      setTimeout(() => {
        for (const { reader } of all) if (reader.isReading) this.readFor(reader, limit);
      }, RETRY_READ_MS);
    }
  }
}

/** A reader that waits for what follows its cursor. */
interface Reading {
  reader: Reader;
  limit: ReadLimit;
}

function limitText({ maxLength, maxEntries }: ReadLimit): string {
  return `${maxLength} ${maxEntries}`;
}
