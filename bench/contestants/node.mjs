import { createServer } from "node:http";
import { createRooms, listen, plainPaths, readBody, streamOf } from "./plain.mjs";

/** What tutorials do: keep the responses, and write to each. Nothing is kept, nobody can come back. */
export default {
  title: "Node, res.write per reader",
  version: () => process.version,
  ...plainPaths,
  async serve({ port }) {
    const room = createRooms();
    let id = 0;
    const publish = (stream, data) => {
      id += 1;
      for (const response of room(stream)) response.write(`id: ${id}\ndata: ${data}\n\n`);
    };
    const server = createServer((request, response) => {
      const stream = streamOf(request.url);
      if (request.method === "POST") {
        readBody(request, (body) => {
          publish(stream, body);
          response.writeHead(204).end();
        });
        return;
      }
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
      response.flushHeaders();
      room(stream).add(response);
      response.on("close", () => room(stream).delete(response));
    });
    await listen(server, port);
    return { publish };
  },
};
