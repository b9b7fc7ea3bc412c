/** Answers a request of the public API, without a socket. */
export type DemoFetch = (request: Request) => Promise<Response>;

/** Writes through the public API, each stream's requests one after the other. What a request cannot say is left out: the next one
 *  says more. */
export interface Publisher {
  /** Appends events, and makes a state stream before the first. Done: answered, taken or not; with the cursor, if it was taken. */
  append: (stream: string, events: readonly object[], kind?: "state" | "log") => Promise<string | undefined>;
  /** A page of a stream after a cursor, by default from its start; an empty one while there is none. */
  read: (stream: string, after?: string) => Promise<DemoPage>;
  /** Deletes a stream. */
  remove: (stream: string) => Promise<void>;
  /** Sends a signal, or says who is here. `path`: what follows `/v1/`. */
  post: (path: string, body: object) => Promise<void>;
}

export interface DemoPage {
  events: unknown[];
  /** After which the next page begins. */
  next?: string;
  /** The cursor was not honoured: what was read before is to be dropped. */
  isReset: boolean;
}

const ORIGIN = "http://localhost";

export function createPublisher(fetch: DemoFetch): Publisher {
  const tails = new Map<string, Promise<string | undefined>>();

  async function send(method: string, path: string, body?: unknown): Promise<string | undefined> {
    const response = await fetch(
      new Request(`${ORIGIN}/v1/${path}`, {
        method,
        headers: { "content-type": "application/json" },
        ...(body !== undefined && { body: JSON.stringify(body) }),
      }),
    );
    // Overloaded, full or stopping: a demo is the first that may be left out.
    const { cursor } = (response.status === 201 ? await response.json() : {}) as { cursor?: string };
    if (!response.bodyUsed) await response.body?.cancel();
    return cursor;
  }

  return {
    append(stream, events, kind = "state") {
      const path = `streams/${stream}`;
      const known = tails.get(stream);
      const before = known ?? (kind === "state" ? send("PUT", path, { kind }) : Promise.resolve(undefined));
      const done = before.then(() => (events.length === 0 ? undefined : send("POST", path, events)));
      tails.set(stream, done);
      return done;
    },
    async read(stream, after) {
      const query = after === undefined ? "" : `?after=${after}`;
      const response = await fetch(new Request(`${ORIGIN}/v1/streams/${stream}${query}`));
      if (!response.ok) return { events: [], isReset: true };
      const page = (await response.json()) as { events: { event: unknown }[]; next: string; reset?: string }; // PROTOCOL.md "Streams"
      return {
        events: page.events.map(({ event }) => event),
        next: page.next,
        isReset: page.reset !== undefined,
      };
    },
    async remove(stream) {
      await tails.get(stream);
      tails.delete(stream);
      await send("DELETE", `streams/${stream}`);
    },
    async post(path, body) {
      await send("POST", path, body);
    },
  };
}
