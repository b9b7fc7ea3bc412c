// An edge: follows a feed of another Millrace, and serves it from a log of its own to the readers near it.
import { createServer } from "millrace";
import type { ServerOptions } from "millrace";
import { createFetchTransport, createSource } from "millrace/client";

export async function openEdge(origin: string, feed: string, options: ServerOptions = {}) {
  const millrace = await createServer({ hasPages: false, ...options });
  const source = createSource({ url: origin, transport: createFetchTransport() });
  /** One after the other: each event has a key, so that one that comes again after a start is not there twice. */
  let writing: Promise<unknown> = Promise.resolve();
  const stop = source.follow(feed, {
    kind: "log",
    onDelivery(delivery) {
      const { type } = delivery;
      if (type === "event") {
        const { event, cursor } = delivery;
        writing = writing.then(() => millrace.append(feed, event, { key: cursor }));
      } else if (type === "end") writing = writing.then(() => millrace.append(feed, [], { close: true }));
    },
  });

  return {
    millrace,
    async close() {
      stop();
      source.close();
      await writing;
      await millrace.close();
    },
  };
}

if (process.argv[1]?.endsWith("edge.ts")) {
  const [origin = "http://127.0.0.1:4000", feed = "scores"] = process.argv.slice(2);
  const { millrace } = await openEdge(origin, feed);
  console.log(`${feed} of ${origin} at ${await millrace.listen(4100)}`);
}
