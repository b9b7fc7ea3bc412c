import { importProduct, productVersion } from "../contestants/product.mjs";
import { speak } from "./answer.mjs";
import { listen } from "./listen.mjs";

export default {
  title: "Millrace, bare EventSource",
  version: productVersion,
  way: "`EventSource` on `/stream?prompt=`: the URL is the key, the id is the cursor",
  yours: "nothing",
  async serve({ port, folder }) {
    const { createServer } = await importProduct("millrace");
    const server = await createServer({
      log: "lmdb",
      data: folder,
      providers: [speaker],
      model: "speaker",
      runner: { silenceMs: 120_000 }, // it thinks for longer than a minute where proxies are measured
    });
    await server.listen(port);
    return {};
  },
  begin: (run) => ({ path: `/stream?prompt=${run}`, headers: { Accept: "text/event-stream" } }),
  again: (run) => ({ path: `/stream?prompt=${run}`, headers: { Accept: "text/event-stream" } }),
  read({ url, run, say, signal }) {
    return listen({
      url: `${url}/stream?prompt=${run}`,
      signal,
      onMessage: (data) => say(JSON.parse(data).text),
      ends: ["end"],
    });
  },
};

const speaker = {
  name: "speaker",
  models: () => Promise.resolve([{ id: "speaker", origin: "on this machine" }]),
  async *generate({ messages }) {
    for await (const text of speak(messages.at(-1).text)) yield { type: "text", text };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
  },
};
