import { createRooms } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";
import node from "./node.mjs";

export default {
  title: "hono streamSSE",
  packages: ["hono", "@hono/node-server"],
  way: "none: its helper writes the id that it is given, and keeps nothing",
  yours: "a history, replay",
  async serve({ port }) {
    const { Hono } = await import("hono");
    const { streamSSE } = await import("hono/streaming");
    const { serve } = await import("@hono/node-server");
    const app = new Hono();
    const room = createRooms();
    app.get("/read/:run", (context) =>
      streamSSE(context, async (sse) => {
        const readers = room(context.req.param("run"));
        readers.add(sse);
        await sse.write(": open\n\n");
        await new Promise((resolve) => sse.onAbort(resolve));
        readers.delete(sse);
      }),
    );
    await new Promise((resolve) => void serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, resolve));
    const send = (run, message) => room(run).forEach((sse) => void sse.writeSSE(message));
    return {
      async start(run) {
        let id = 0;
        for await (const text of speak(run))
          send(run, { id: String((id += 1)), data: JSON.stringify({ text }) });
        send(run, { event: "end", data: "{}" });
      },
    };
  },
  read: (options) => node.read(options),
};
