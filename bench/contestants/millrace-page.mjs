import { setTimeout as sleep } from "node:timers/promises";
import { pageText } from "../load/page-text.mjs";
import { importProduct, productVersion } from "./product.mjs";

const TOKEN_LENGTH = 4;
/** Tokens that are due are said together, so often. */
const TICK_MS = 4;

/** The page, with a model that says a long document: the prompt names its length and its pace. */
export default {
  title: "Millrace's page",
  version: productVersion,
  files: ["/usr/bin/chromium"],
  readPath: () => "/",
  async serve({ port, folder }) {
    const { createServer } = await importProduct("millrace");
    const server = await createServer({ log: "lmdb", data: folder, providers: [teller], model: "teller" });
    await server.listen(port);
    return {};
  },
};

const teller = {
  name: "teller",
  models: () => Promise.resolve([{ id: "teller", origin: "on this machine" }]),
  async *generate({ messages }, signal) {
    const [, length, rate] = /length=(\d+) rate=(\d+)/.exec(messages.at(-1).text).map(Number);
    const text = pageText(length);
    const count = Math.ceil(text.length / TOKEN_LENGTH);
    const begun = performance.now();
    for (let sent = 0; sent < count; await sleep(TICK_MS, undefined, { signal })) {
      const due = Math.min(count, Math.floor(((performance.now() - begun) * rate) / 1_000) + 1);
      for (; sent < due; sent += 1)
        yield { type: "text", text: text.slice(sent * TOKEN_LENGTH, (sent + 1) * TOKEN_LENGTH) };
    }
    yield { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: count } };
  },
};
