import { createServer } from "node:http";
import { listen, streamOf } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";

export default {
  title: "fetch, one POST and its response",
  version: () => process.version,
  way: "none: what most chat pages do",
  yours: "everything: after a cut the page shows an error, and asking again is another answer",
  async serve({ port }) {
    const server = createServer((request, response) => void answer(request, response));
    await listen(server, port);
    return {};
  },
  async read({ url, run, say, signal }) {
    const { body } = await fetch(`${url}/chat/${run}`, { method: "POST", signal });
    const decoder = new TextDecoder();
    for await (const bytes of body) say(decoder.decode(bytes, { stream: true }));
  },
};

async function answer(request, response) {
  response.writeHead(200, { "Content-Type": "text/plain; charset=utf-8" });
  for await (const text of speak(streamOf(request.url))) {
    if (response.destroyed) return;
    response.write(text);
  }
  response.end();
}
