import { createRequire } from "node:module";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What is measured: a copy of dist/, which a build beside the run does not change. */
const folder = () => process.env.BENCH_PRODUCT ?? ROOT;
const requireFrom = () => createRequire(`${folder()}package.json`);

export const productCommand = () => `${folder()}dist/cli/main.js`;

export const productVersion = () => requireFrom()("./package.json").version;

/** Imports one of the product's public names, as its users do. */
export function importProduct(name) {
  return import(pathToFileURL(requireFrom().resolve(name)).href);
}

export const productPaths = {
  readPath: (stream) => `/v1/streams/${stream}?after=now`,
  publishPath: (stream) => `/v1/streams/${stream}`,
};
