import { request } from "node:http";

/** Its own server with its default store, in memory: with `dataDir` each reader reads the file for each event, which cost
 *  900 µs per delivery at 20 readers. */
export default {
  title: "@durable-streams/server",
  packages: ["@durable-streams/server"],
  readPath: (stream) => `/${stream}?live=sse&offset=now`,
  publishPath: (stream) => `/${stream}`,
  async serve({ port }) {
    const { DurableStreamTestServer } = await import("@durable-streams/server");
    const server = new DurableStreamTestServer({ port, host: "127.0.0.1" });
    await server.start();
    return {};
  },
  async prepare({ port, streams }) {
    for (const stream of streams) await create(port, stream);
  },
};

function create(port, stream) {
  return new Promise((resolve, reject) => {
    const sent = request(
      {
        port,
        host: "127.0.0.1",
        method: "PUT",
        path: `/${stream}`,
        headers: { "Content-Type": "application/json" },
      },
      (response) => {
        response.resume();
        response.on("end", resolve);
      },
    );
    sent.on("error", reject);
    sent.end();
  });
}
