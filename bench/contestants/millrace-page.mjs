import { sayPageText } from "../load/page-text.mjs";
import { importProduct, productVersion } from "./product.mjs";

/** The page, with a model that says a long document: the prompt names its length and its pace. */
export default {
  title: "Millrace's page",
  version: productVersion,
  files: ["/usr/bin/chromium"],
  readPath: () => "/",
  /** Other tabs show the same. */
  keepsAnswers: true,
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
    let outputTokens = 0;
    for await (const text of sayPageText(messages.at(-1).text, signal)) {
      outputTokens += 1;
      yield { type: "text", text };
    }
    yield { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens } };
  },
};
