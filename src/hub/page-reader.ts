import type { Entry } from "../protocol/event.ts";
import { StreamError } from "../protocol/error.ts";
import type { StreamName } from "../protocol/names.ts";
import type { Log, ReadLimit, ReadOutcome, StreamInfo } from "../log/log.ts";
import { makePage } from "./pages.ts";
import type { Frame, Pages } from "./pages.ts";
import type { Reader } from "./reader.ts";
import type { Turns } from "./turns.ts";

const RETRY_READ_MS = 250;
/** What a log that is in the same process takes for a page, after the step that asks for it; where there is less to read, for nothing and for
 *  each event. */
const READ_MS = 0.5;
const READ_NOTHING_MS = 0.1;
const READ_EVENT_MS = 0.01;

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

/** What becomes of who asked. */
type Answer = (reader: Reader) => void;

/** Who waits for what follows an offset. */
interface Place {
  /** Offset and limit. */
  readonly key: string;
  readonly after: number;
  readonly limit: ReadLimit;
  readonly readers: Reader[];
  /** Undefined: it must be read. */
  answer: Answer | undefined;
}

/** Reads a stream from the log for readers that are behind the ring: once for all who are at the same place, and each in its turn, so that
 *  however many they are, and however often they take a little, they hold up nobody. */
export class PageReader {
  readonly #log: Log;
  readonly #turns: Turns;
  readonly #owner: PageOwner;
  readonly #pages: Pages;
  /** By their keys: those that wait, and those that are being read. */
  readonly #places = new Map<string, Place>();
  /** In the order in which they are served: what was read goes before what is to be read. */
  readonly #waiting: Place[] = [];
  #isServing = false;

  constructor(log: Log, turns: Turns, pages: Pages, owner: PageOwner) {
    this.#log = log;
    this.#turns = turns;
    this.#pages = pages;
    this.#owner = owner;
  }

  /** Answers by `takePage`, `takeReset` or `onDeleted`. */
  readFor(reader: Reader, limit: ReadLimit): void {
    const key = `${reader.offset} ${limitText(limit)}`;
    const place = this.#places.get(key);
    if (place !== undefined) {
      place.readers.push(reader);
      return;
    }
    const made = { key, after: reader.offset, limit, readers: [reader], answer: undefined };
    this.#places.set(key, made);
    this.#waiting.push(made);
    this.#serve();
  }

  /** Nobody asks any more. */
  close(): void {
    this.#pages.forget(this.#owner);
  }

  #serve(): void {
    if (this.#isServing || this.#waiting.length === 0) return;
    this.#isServing = true;
    this.#turns.addPatient(() => this.#serveNext());
  }

  #serveNext(): boolean {
    const [place] = this.#waiting;
    if (place !== undefined) {
      place.answer ??= this.#keptAnswer(place);
      if (place.answer === undefined) {
        this.#waiting.shift();
        void this.#read(place);
      } else this.#answerNext(place, place.answer);
    }
    this.#isServing = this.#waiting.length > 0;
    return this.#isServing;
  }

  #keptAnswer({ after, limit }: Place): Answer | undefined {
    const page = this.#pages.find(this.#owner, after, limitText(limit));
    return page && ((reader) => reader.takePage(page));
  }

  #answerNext(place: Place, answer: Answer): void {
    const reader = place.readers.shift();
    if (place.readers.length === 0) {
      this.#waiting.shift();
      // Who asks from then on has a read of its own.
      this.#places.delete(place.key);
    }
    // It may have been told something else meanwhile.
    if (reader?.isReading === true && reader.offset === place.after) answer(reader);
  }

  async #read(place: Place): Promise<void> {
    if (!place.readers.some(({ isReading }) => isReading)) {
      this.#places.delete(place.key);
      return;
    }
    const events = this.#owner.head - place.after;
    this.#turns.charge(Math.min(READ_MS, READ_NOTHING_MS + READ_EVENT_MS * events));
    try {
      const outcome = await this.#log.read(this.#owner.stream, place.after, place.limit);
      this.#turns.addPatient(() => {
        place.answer = this.#answerOf(outcome, place);
        this.#waiting.unshift(place);
        this.#answerNext(place, place.answer);
        this.#serve();
        return false;
      });
    } catch (error) {
      this.#places.delete(place.key);
      if (!(error instanceof StreamError)) {
        for (const reader of place.readers) reader.destroy();
        throw error;
      }
      // The log is away. The readers' cursors stand, so nothing is lost by asking again.
      setTimeout(() => {
        for (const reader of place.readers) if (reader.isReading) this.readFor(reader, place.limit);
      }, RETRY_READ_MS);
    }
  }

  #answerOf(outcome: ReadOutcome, { after, limit }: Place): Answer {
    // They come back with their cursors, and are told what became of them.
    if (outcome.status !== "missing" && !this.#owner.honours(outcome.info, after))
      return (reader) => reader.destroy();
    switch (outcome.status) {
      case "missing":
        return (reader) => reader.onDeleted();
      case "trimmed": {
        const { block, start } = this.#owner.describeTrim(outcome.info);
        return (reader) => reader.takeReset(block, start);
      }
      case "page": {
        const frames = this.#owner.encodePage(outcome.info, outcome.entries);
        const isKept = frames.length > 0 && this.#owner.isShared;
        const page = isKept
          ? this.#pages.keep(this.#owner, after, limitText(limit), frames)
          : makePage(after, frames, Math.max(after, this.#owner.head));
        return (reader) => reader.takePage(page);
      }
    }
  }
}

function limitText({ maxLength, maxEntries }: ReadLimit): string {
  return `${maxLength} ${maxEntries}`;
}
