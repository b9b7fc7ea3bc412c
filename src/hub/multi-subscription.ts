import { joinCursors } from "../protocol/cursor.ts";
import type { Bundle } from "./bundle.ts";
import { encodeText, joinBytes } from "./bundle.ts";
import { Connection } from "./connection.ts";
import { Member, lookAt } from "./member.ts";
import type { StreamLook } from "./look.ts";
import type { Owner } from "./member.ts";
import type { Page } from "./pages.ts";
import type { Source } from "./reader.ts";

/** What stands around an entry's JSON text beside the stream's name: field names, cursor and line ends. */
const FRAME_BYTES = 80;

/** What a connection of several streams says first, as blocks without ids. */
export interface Opening {
  retryMs: number;
  /** One for each stream. */
  starts: readonly string[];
  resets: readonly string[];
  /** Of streams that will never come. */
  ends: readonly string[];
  /** What a reader that listens is told first, and its ping while it has no cursor. */
  listening?: { first: string; ping: string };
}

/** A reader of several streams over one connection: a cursor for each, and the set of them as the id. The streams have their
 *  turns, a piece each; one read from the log at a time is all that is held for it. Each block is written with the id line of
 *  this reader: an entry's frame, shared by all readers of its stream, begins with its own cursor, and the others' cursors are
 *  put before it. */
export class MultiSubscription extends Connection implements Owner {
  readonly #members: Member[] = [];
  /** Whose turn is next. */
  #turn = 0;
  #reading: Member | undefined;
  /** It listens, which has no end: with this as its ping while it reads nothing. */
  #listening: { ping: string } | undefined;

  /** Takes a stream in, to be read after `after`. */
  join(source: Source, after: number): Member {
    const member = new Member(this, source, after);
    this.#members.push(member);
    source.add(member);
    // The hub was closed while this stream was opened.
    if (this.state === "gone") member.leave();
    return member;
  }

  /** Says where each stream stands, and begins to read.
   *  The first block primes the id, unless a cursor is refused: a reader that is cut before it knows would come back with good
   *  cursors and never be told. Then the last refusal brings it. */
  open({ retryMs, starts, resets, ends, listening }: Opening): void {
    this.#listening = listening;
    this.begin();
    const blocks = [...starts, ...resets];
    const primer = resets.length === 0 ? 0 : blocks.length - 1;
    const text = blocks.map((block, index) => (index === primer ? this.#idLine() + block : block));
    const all = `${text.join("")}${ends.join("")}${listening?.first ?? ""}`;
    this.say(`retry: ${retryMs}\n${all === "" ? "\n" : all}`);
    this.pump();
  }

  pump(): void {
    while (this.state === "open") {
      const member = this.#next();
      if (member === undefined) {
        this.isSlow = false;
        return;
      }
      this.#step(member);
    }
  }

  ping(): void {
    const set = this.#set();
    const [first] = this.#members;
    const text = first?.source.pingText(set === "" ? undefined : set) ?? this.#listening?.ping;
    if (text !== undefined) this.#sayBlock(text);
  }

  get isLive(): boolean {
    return this.state === "open" && !this.#members.some(({ hasWork }) => hasWork);
  }

  look(): StreamLook[] {
    return this.#members.map(({ source, from, offset }) => lookAt(source, from, offset));
  }

  get reading(): Member | undefined {
    return this.state === "reading" ? this.#reading : undefined;
  }

  takePage(member: Member, { bundles, last }: Page): void {
    if (!this.#endReading(member)) return;
    member.offset = last;
    for (const { length } of bundles) this.replayedBytes += length;
    if (bundles.length > 0) this.#writeEach(encodeText(this.#lead(member)), bundles);
    this.pump();
  }

  takeReset(member: Member, block: string, start: number): void {
    if (!this.#endReading(member)) return;
    member.offset = start;
    this.#sayBlock(block);
    this.pump();
  }

  onDeleted(member: Member): void {
    this.#endReading(member);
    this.pump();
  }

  protected leave(): void {
    for (const member of this.#members) member.leave();
  }

  /** The next in the round that has something to write. */
  #next(): Member | undefined {
    const count = this.#members.length;
    for (let step = 0; step < count; step++) {
      const member = this.#members[(this.#turn + step) % count];
      if (member?.hasWork !== true) continue;
      this.#turn = (this.#turn + step + 1) % count;
      return member;
    }
    return undefined;
  }

  /** Writes one thing of a member that has work. */
  #step(member: Member): void {
    const { source } = member;
    if (member.isDeleted) {
      this.#finish(member, source.endText("deleted"));
    } else if (member.offset < source.head) {
      this.#read(member);
    } else if (!member.isCaughtUp) {
      member.isCaughtUp = true;
      // Of several streams that of the last counts.
      this.caughtUpAt = Date.now();
      this.#sayBlock(source.caughtUpText(member.offset));
    } else {
      this.#finish(member, source.endText("closed"));
    }
  }

  #read(member: Member): void {
    const { source, offset } = member;
    const limit = this.pieceBytes;
    const lead = encodeText(this.#lead(member));
    const piece = source.bundlesAfter(offset, limit, lead.length);
    if (piece !== undefined) {
      member.offset = piece.last;
      if (!member.isCaughtUp) for (const { length } of piece.bundles) this.replayedBytes += length;
      this.#writeEach(lead, piece.bundles);
      return;
    }
    this.state = "reading";
    this.#reading = member;
    // Ids may be longer than the events they stand on: half for these, half for those.
    const half = limit / 2;
    const cost = lead.length + FRAME_BYTES + source.stream.length;
    source.readFor(member, { maxLength: half, maxEntries: Math.ceil(half / cost) });
  }

  #writeEach(lead: Uint8Array, bundles: readonly Bundle[]): void {
    this.write(joinBytes(bundles.flatMap(({ payload }) => [lead, payload])));
  }

  /** Whether the log was read for this member: then the connection may go on. */
  #endReading(member: Member): boolean {
    if (this.reading !== member) return false;
    this.#reading = undefined;
    this.state = "open";
    return true;
  }

  #finish(member: Member, block: string): void {
    member.isOver = true;
    member.leave();
    this.#sayBlock(block);
    if (this.#listening === undefined && this.#members.every(({ isOver }) => isOver)) {
      this.why = "ended";
      this.end();
    }
  }

  #sayBlock(block: string): void {
    this.say(this.#idLine() + block);
  }

  #idLine(): string {
    const set = this.#set();
    return set === "" ? "" : `id: ${set}\n`;
  }

  #set(): string {
    return joinCursors(this.#members.map(({ cursor }) => cursor));
  }

  /** The id line up to the member's own cursor, with which its frames begin: the event's own is the last of its set. */
  #lead(member: Member): string {
    const others = joinCursors(this.#members.map((other) => (other === member ? undefined : other.cursor)));
    return others === "" ? "id: " : `id: ${others}~`;
  }
}
