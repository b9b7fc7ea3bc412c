/** Answers a request of the public API, without a socket. */
export type DemoFetch = (request: Request) => Promise<Response>;

/** Writes state streams through the public API, each stream's requests one after the other. What a request cannot say is left
 *  out: the next one says more. */
export interface Publisher {
  /** Appends events, and makes the stream before the first. Done: answered, taken or not. */
  append: (stream: string, events: readonly object[]) => Promise<void>;
  /** The last event of a stream; undefined while there is none. */
  last: (stream: string) => Promise<unknown>;
}

const ORIGIN = "http://localhost";

export function createPublisher(fetch: DemoFetch): Publisher {
  const tails = new Map<string, Promise<void>>();

  async function send(method: string, stream: string, body: unknown): Promise<void> {
    const response = await fetch(
      new Request(`${ORIGIN}/v1/streams/${stream}`, {
        method,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
    );
    // Overloaded, full or stopping: a demo is the first that may be left out.
    await response.body?.cancel();
  }

  return {
    append(stream, events) {
      const before = tails.get(stream) ?? send("PUT", stream, { kind: "state" });
      const done = before.then(() => (events.length === 0 ? undefined : send("POST", stream, events)));
      tails.set(stream, done);
      return done;
    },
    async last(stream) {
      const response = await fetch(new Request(`${ORIGIN}/v1/streams/${stream}`));
      if (!response.ok) return undefined;
      const { events } = (await response.json()) as { events: { event: unknown }[] }; // PROTOCOL.md "Streams"
      return events.at(-1)?.event;
    },
  };
}
