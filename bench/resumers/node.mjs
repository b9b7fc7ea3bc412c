import { createServer } from "node:http";
import { createRooms, listen as listenOn, streamOf } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";
import { listen } from "./listen.mjs";

export default {
  title: "EventSource, a list of responses",
  version: () => process.version,
  way: "none: what most tutorials of a live feed show",
  yours: "ids, a history, replay",
  async serve({ port }) {
    const room = createRooms();
    const server = createServer((request, response) => {
      const run = streamOf(request.url);
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
      response.flushHeaders();
      room(run).add(response);
      response.on("close", () => room(run).delete(response));
    });
    await listenOn(server, port);
    const send = (run, block) => room(run).forEach((response) => response.write(block));
    return {
      async start(run) {
        let id = 0;
        for await (const text of speak(run))
          send(run, `id: ${(id += 1)}\ndata: ${JSON.stringify({ text })}\n\n`);
        send(run, "event: end\ndata: {}\n\n");
      },
    };
  },
  read({ url, run, say, open, signal }) {
    return listen({
      url: `${url}/read/${run}`,
      signal,
      open,
      onMessage: (data) => say(JSON.parse(data).text),
      ends: ["end"],
    });
  },
};
