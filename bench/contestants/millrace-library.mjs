import { importProduct, productPaths, productVersion } from "./product.mjs";

/** `createServer` inside an application, which appends to the log in its own process. */
export default {
  title: "Millrace as a library",
  version: productVersion,
  readPath: productPaths.readPath,
  async serve({ port, folder }) {
    const { createServer } = await importProduct("millrace");
    const server = await createServer({ log: "lmdb", data: folder, hasPages: false });
    await server.listen(port);
    const options = { create: { kind: "log" } };
    return { publish: (stream, data) => server.log.append(stream, [{ data }], options) };
  },
};
