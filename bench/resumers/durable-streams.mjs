import { setTimeout as sleep } from "node:timers/promises";
import { speak } from "./answer.mjs";

const RETRY_MS = 1_000;
/** `closed` comes before the last batch does. */
const DRAIN_MS = 200;

/** Its server, its producer and its client, as their READMEs have them. */
export default {
  title: "@durable-streams/server",
  packages: ["@durable-streams/server", "@durable-streams/client"],
  way: "`stream({ offset: saved })`: its client reconnects after a clean end, and from a saved offset",
  yours: "reconnection after a reset, a server that appends, an end with a reason",
  async serve({ port }) {
    const { DurableStreamTestServer } = await import("@durable-streams/server");
    const { DurableStream, IdempotentProducer } = await import("@durable-streams/client");
    await new DurableStreamTestServer({ port, host: "127.0.0.1" }).start();
    return {
      async prepare(runs) {
        for (const run of runs)
          await DurableStream.create({
            url: `http://127.0.0.1:${port}/${run}`,
            contentType: "application/json",
          });
      },
      async start(run) {
        const handle = await DurableStream.connect({ url: `http://127.0.0.1:${port}/${run}` });
        const producer = new IdempotentProducer(handle, "speaker", { autoClaim: true });
        for await (const text of speak(run)) producer.append(JSON.stringify({ text }));
        await producer.close();
      },
    };
  },
  async read({ url, run, say, open, signal }) {
    const { stream } = await import("@durable-streams/client");
    open();
    let saved = "-1";
    for (let isClosed = false; !isClosed && !signal.aborted;) {
      try {
        const answer = await stream({ url: `${url}/${run}`, offset: saved, live: "sse", signal });
        answer.subscribeJson(({ items, offset }) => {
          say(items.map(({ text }) => text).join(""));
          saved = offset;
        });
        await answer.closed;
        await sleep(DRAIN_MS);
        isClosed = answer.streamClosed;
      } catch {
        await sleep(RETRY_MS); // a connection that was reset: its client tells, and does not reconnect
      }
    }
  },
};
