import type { StreamLook } from "./look.ts";
import type { Page } from "./pages.ts";
import type { Reader, Source } from "./reader.ts";

/** The connection that several members write to. */
export interface Owner {
  /** The member for which the log is read. */
  readonly reading: Member | undefined;
  pump(): void;
  takePage(member: Member, page: Page): void;
  takeReset(member: Member, block: string, start: number): void;
  onDeleted(member: Member): void;
  destroy(): void;
}

/** One of the streams of a connection: a cursor over its channel. Its bytes go where those of the others go, so that it only
 *  says whether there are some, and its connection writes them. */
export class Member implements Reader {
  index = -1;
  offset: number;
  isCaughtUp = false;
  /** Deleted, which is still to be said or was said: it has no cursor any more. */
  isDeleted = false;
  /** Its end was said. */
  isOver = false;
  readonly source: Source;
  /** After which it began. */
  readonly from: number;
  readonly #owner: Owner;
  #isListed = true;
  #cursor: { offset: number; text: string } | undefined;

  constructor(owner: Owner, source: Source, after: number) {
    this.#owner = owner;
    this.source = source;
    this.from = after;
    this.offset = after;
  }

  /** Whether there is something to write. */
  get hasWork(): boolean {
    const { source } = this;
    if (this.isOver) return false;
    return this.isDeleted || this.offset < source.head || !this.isCaughtUp || source.isClosed;
  }

  /** Where it stands; undefined while its stream does not exist. Of a stream that is closed it stays, so that the end is known
   *  to have been read. */
  get cursor(): string | undefined {
    if (this.isDeleted) return undefined;
    if (this.#cursor?.offset !== this.offset) {
      const text = this.source.cursorText(this.offset);
      this.#cursor = text === undefined ? undefined : { offset: this.offset, text };
    }
    return this.#cursor?.text;
  }

  /** Leaves its channel, if it has not yet. */
  leave(): void {
    if (!this.#isListed) return;
    this.#isListed = false;
    this.source.remove(this);
  }

  get isReading(): boolean {
    return this.#owner.reading === this;
  }

  pump(): void {
    this.#owner.pump();
  }

  takePage(page: Page): void {
    this.#owner.takePage(this, page);
  }

  takeReset(block: string, start: number): void {
    this.#owner.takeReset(this, block, start);
  }

  onDeleted(): void {
    this.leave();
    if (this.isOver) return;
    this.isDeleted = true;
    this.#owner.onDeleted(this);
  }

  destroy(): void {
    this.#owner.destroy();
  }
}

/** Where a cursor over a stream stands, and where it began. */
export function lookAt(source: Source, first: number, offset: number): StreamLook {
  const from = source.cursorText(first);
  const cursor = source.cursorText(offset);
  return {
    stream: source.stream,
    ...(from !== undefined && { from }),
    ...(cursor !== undefined && { cursor }),
    lag: source.head - offset,
  };
}
