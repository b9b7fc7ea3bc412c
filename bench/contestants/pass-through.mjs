import { Agent, createServer, request as ask } from "node:http";
import { listen } from "./plain.mjs";

/** The least that a relay can do: Node's http, the provider's body piped as it is. Nothing is parsed, kept or resumable. */
export default {
  title: "Node, bare pass-through",
  version: () => process.version,
  readPath: () => "/v1/chat/completions",
  async serve({ port }) {
    const agent = new Agent({ keepAlive: true, maxSockets: Infinity });
    const provider = new URL(process.env.OPENAI_BASE_URL);
    const server = createServer((request, response) => {
      const upstream = ask(
        {
          agent,
          host: provider.hostname,
          port: provider.port,
          path: request.url,
          method: "POST",
          headers: {
            "Content-Type": "application/json",
            "Content-Length": request.headers["content-length"],
          },
        },
        (answer) => {
          response.writeHead(answer.statusCode, { "Content-Type": answer.headers["content-type"] });
          answer.pipe(response);
        },
      );
      upstream.on("error", () => response.destroy());
      request.pipe(upstream);
    });
    await listen(server, port);
    return {};
  },
};
