import { createServer } from "node:http";
import { listen as listenOn, streamOf } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";
import { listen } from "./listen.mjs";

export default {
  title: "EventSource, an answer per request",
  version: () => process.version,
  way: "none: what most tutorials of a streamed chat show",
  yours: "everything: each reconnection begins another answer",
  async serve({ port }) {
    const server = createServer((request, response) => void answer(request, response));
    await listenOn(server, port);
    return {};
  },
  read({ url, run, say, signal }) {
    return listen({
      url: `${url}/chat/${run}`,
      signal,
      onMessage: (data, close) => (data === "[DONE]" ? close() : say(JSON.parse(data).text)),
    });
  },
};

async function answer(request, response) {
  response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" });
  for await (const text of speak(streamOf(request.url))) {
    if (response.destroyed) return;
    response.write(`data: ${JSON.stringify({ text })}\n\n`);
  }
  response.end("data: [DONE]\n\n");
}
