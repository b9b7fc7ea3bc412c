import { createServer } from "node:http";
import { listen, plainPaths, readBody, streamOf } from "./plain.mjs";

/** Channels, as its guide has them; one per stream. The event is handed over as an object, which it serialises. */
export default {
  title: "better-sse",
  packages: ["better-sse"],
  ...plainPaths,
  async serve({ port }) {
    const { createChannel, createSession } = await import("better-sse");
    const channels = new Map();
    const channelOf = (stream) => {
      let channel = channels.get(stream);
      if (channel === undefined) channels.set(stream, (channel = createChannel()));
      return channel;
    };
    const publish = (stream, data) => channelOf(stream).broadcast(JSON.parse(data));
    const server = createServer((request, response) => {
      const stream = streamOf(request.url);
      if (request.method === "POST") {
        readBody(request, (body) => {
          publish(stream, body);
          response.writeHead(204).end();
        });
        return;
      }
      void createSession(request, response).then((session) => channelOf(stream).register(session));
    });
    await listen(server, port);
    return { publish };
  },
};
