import { createServer } from "node:http";
import { listen as listenOn, streamOf } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";
import node from "./node.mjs";

/** Channels, as its guide has them. */
export default {
  title: "better-sse",
  packages: ["better-sse"],
  way: "none of its own: it hands over `session.lastId` and keeps nothing",
  yours: "a history, replay",
  async serve({ port }) {
    const { createChannel, createSession } = await import("better-sse");
    const channels = new Map();
    const channelOf = (run) => channels.get(run) ?? channels.set(run, createChannel()).get(run);
    const server = createServer((request, response) => {
      const channel = channelOf(streamOf(request.url));
      void createSession(request, response).then((session) => channel.register(session));
    });
    await listenOn(server, port);
    return {
      async start(run) {
        for await (const text of speak(run)) channelOf(run).broadcast({ text });
        channelOf(run).broadcast({}, "end");
      },
    };
  },
  read: (options) => node.read(options),
};
