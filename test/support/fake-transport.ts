import type { Block, Transport, TransportHandlers } from "../../src/client/transport.ts";

/** One attempt that a source has made. */
export interface Attempt extends TransportHandlers {
  url: URL;
  streams: string[];
  /** The cursors that it brought. */
  cursors: string[];
  isClosed: boolean;
  /** Sends a named event, or with `event` undefined a data event. */
  say(event: string | undefined, data: object, id?: string): void;
}

/** A transport whose server is the test. */
export class FakeTransport implements Transport {
  readonly attempts: Attempt[] = [];

  /** The latest attempt. */
  get last(): Attempt {
    const attempt = this.attempts.at(-1);
    if (attempt === undefined) throw new Error("nothing was opened");
    return attempt;
  }

  /** The attempts that nobody has closed. */
  living(): Attempt[] {
    return this.attempts.filter(({ isClosed }) => !isClosed);
  }

  open(url: string, handlers: TransportHandlers): () => void {
    const parsed = new URL(url, "http://test");
    const id = parsed.searchParams.get("last_event_id");
    const attempt: Attempt = {
      ...handlers,
      url: parsed,
      streams: parsed.searchParams.getAll("stream"),
      cursors: id === null ? [] : id.split("~"),
      isClosed: false,
      say(event, data, blockId) {
        const block: Block = { event, id: blockId, data: JSON.stringify(data) };
        handlers.onBlock(block);
      },
    };
    this.attempts.push(attempt);
    return () => {
      attempt.isClosed = true;
    };
  }
}

/** A server's log as far as JSON pages show it: per stream its epoch and events, and whether it is closed. */
export class FakePages {
  readonly streams = new Map<
    string,
    { epoch: string; events: Record<string, unknown>[]; isClosed?: boolean }
  >();
  readonly asked: string[] = [];
  /** How many of the next requests fail, as a network does. */
  failures = 0;

  readonly fetch: typeof fetch = async (input) => {
    const url = new URL(input instanceof Request ? input.url : input, "http://test");
    this.asked.push(url.pathname + url.search);
    await Promise.resolve();
    if (this.failures-- > 0) throw new TypeError("Load failed");
    const name = url.pathname.replace("/v1/streams/", "");
    const stream = this.streams.get(name);
    if (stream === undefined) {
      const error = { code: "stream-unknown", message: "There is none.", retryable: false };
      return Response.json({ error }, { status: 404 });
    }
    const { epoch, events, isClosed = false } = stream;
    const after = url.searchParams.get("after");
    const isKnown = after === null || after.startsWith(`${epoch}.`);
    const from = after !== null && isKnown ? Number(after.split(".")[1]) : 0;
    const page = events.slice(from, from + 100).map((event, index) => ({
      cursor: `${epoch}.${from + index + 1}`,
      at: 1,
      event,
    }));
    return Response.json({
      events: page,
      next: page.at(-1)?.cursor ?? `${epoch}.${from}`,
      head: `${epoch}.${events.length}`,
      closed: isClosed,
      ...(!isKnown && { reset: "unknown-epoch" }),
    });
  };
}
