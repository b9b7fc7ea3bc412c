import { createRooms, plainPaths } from "./plain.mjs";

/** `streamSSE` of hono on @hono/node-server: one `writeSSE` per reader and event, as its helper is documented. */
export default {
  title: "hono streamSSE",
  packages: ["hono", "@hono/node-server"],
  ...plainPaths,
  async serve({ port }) {
    const { Hono } = await import("hono");
    const { streamSSE } = await import("hono/streaming");
    const { serve } = await import("@hono/node-server");
    const app = new Hono();
    const room = createRooms();
    let id = 0;
    const publish = (stream, data) => {
      id += 1;
      for (const sse of room(stream)) void sse.writeSSE({ id: String(id), data });
    };
    app.get("/read/:stream", (context) =>
      streamSSE(context, async (sse) => {
        const readers = room(context.req.param("stream"));
        // The head leaves with the first byte only, and whoever waits for it would wait for the first event.
        await sse.write(": open\n\n");
        readers.add(sse);
        await new Promise((resolve) => {
          sse.onAbort(() => {
            readers.delete(sse);
            resolve();
          });
        });
      }),
    );
    app.post("/publish/:stream", async (context) => {
      publish(context.req.param("stream"), await context.req.text());
      return context.body(null, 204);
    });
    await new Promise((resolve) => void serve({ fetch: app.fetch, port, hostname: "127.0.0.1" }, resolve));
    return { publish };
  },
};
