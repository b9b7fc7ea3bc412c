import { productCommand, productPaths, productVersion } from "./product.mjs";

/** `millrace serve` with the embedded log on the disk. */
export default {
  title: "Millrace",
  version: productVersion,
  ...productPaths,
  command: ({ port, folder }) => ({
    command: process.execPath,
    args: [
      productCommand(),
      "serve",
      "--port",
      String(port),
      "--data",
      folder,
      "--log",
      "lmdb",
      "--dev",
      "--no-demo",
    ],
    // No model server of this machine, and no key, has a part in it.
    env: { OPENAI_API_KEY: "", OPENAI_BASE_URL: "" },
  }),
};
