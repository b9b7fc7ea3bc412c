import { encodeBundle } from "../../hub/bundle.ts";
import { Connection } from "../../hub/connection.ts";
import type { StreamLook } from "../../hub/look.ts";
import type { Sink } from "../../hub/sink.ts";
import type { StreamName } from "../../protocol/names.ts";
import type { SaidEvent } from "./ai-sdk-stream.ts";

export interface AnswerSource {
  stream: StreamName;
  /** What is said first, where it was read already. */
  first: SaidEvent | undefined;
  events: AsyncGenerator<SaidEvent, void, undefined>;
  /** Ends what `events` wait for. */
  gone: AbortController;
}

/** A reader of one answer in the AI SDK's parts. What it is told depends on what it was told before, so it shares no frames: it reads an
 *  event at a time, as fast as its sink takes them.
 *  End: with the answer's, and `[DONE]`. Whoever else ends it cuts it: half an answer that ends in good order would pass for a whole one. */
export class AnswerReader extends Connection {
  readonly #source: AnswerSource;
  #said: SaidEvent | undefined;
  #first: SaidEvent | undefined;

  constructor(source: AnswerSource, sink: Sink, onLeave: () => void) {
    // The AI SDK's own transport does not come back.
    super(sink, Infinity, onLeave);
    this.#source = source;
    this.#first = source.first;
  }

  pump(): void {
    if (this.state === "open") void this.#read();
  }

  ping(): void {
    this.#write(": keep-alive\n\n");
  }

  /** What other readers are told of their connection is nothing that a client of the AI SDK takes. */
  override say(): void {}

  override end(): void {
    this.destroy();
  }

  get isLive(): boolean {
    return this.#isReading && (this.#said?.lag ?? 0) === 0;
  }

  look(): StreamLook[] {
    const { cursor, lag = 0 } = this.#said ?? {};
    return [{ stream: this.#source.stream, ...(cursor !== undefined && { cursor }), lag }];
  }

  protected leave(): void {
    const { gone, events } = this.#source;
    gone.abort();
    void events.return();
  }

  get #isReading(): boolean {
    return this.state === "reading";
  }

  async #read(): Promise<void> {
    while (this.state === "open") {
      this.state = "reading";
      const next = await this.#next();
      if (!this.#isReading) return;
      this.state = "open";
      if (next === undefined) {
        this.why = "ended";
        this.#write("data: [DONE]\n\n");
        super.end();
        return;
      }
      this.#said = next;
      // An empty chunk would end the body.
      if (next.parts.length > 0) this.#write(toBlocks(next));
    }
  }

  /** Undefined: the answer has ended. */
  async #next(): Promise<SaidEvent | undefined> {
    const first = this.#first;
    this.#first = undefined;
    if (first !== undefined) return first;
    try {
      return (await this.#source.events.next()).value ?? undefined;
    } catch {
      // The log is away: it comes back with its cursor, or sees that it was cut.
      this.destroy();
      return undefined;
    }
  }

  #write(text: string): void {
    if (this.state !== "gone") this.write(encodeBundle(text));
  }
}

/** The `id` of an event stands on the last of its parts. */
function toBlocks({ cursor, parts }: SaidEvent): string {
  return parts
    .map(
      (part, index) =>
        `${index === parts.length - 1 && cursor !== undefined ? `id: ${cursor}\n` : ""}data: ${JSON.stringify(part)}\n\n`,
    )
    .join("");
}
