import { execFileSync } from "node:child_process";
import { cpSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

export const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** What is measured: dist/, or a copy of it. */
const folder = () => process.env.BENCH_PRODUCT ?? ROOT;
const requireFrom = () => createRequire(`${folder()}package.json`);

/** Builds the product where its sources are not those of its dist/, and makes a copy of that, which a build beside the run does not change, and
 *  which is gone with this process. Its packages are found from where it lies. Returns what `BENCH_PRODUCT` is to be.
 *  Errors: a build that fails, which says why. */
export function copyProduct(name) {
  // Its words go where they are no part of what is printed.
  execFileSync(process.execPath, ["scripts/build.mjs", "--if-needed"], {
    cwd: ROOT,
    stdio: ["ignore", 2, 2],
  });
  const copy = join(ROOT, ".cache", `${name}-${process.pid}/`);
  cpSync(join(ROOT, "dist"), join(copy, "dist"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(copy, "package.json"));
  process.once("exit", () => rmSync(copy, { recursive: true, force: true }));
  return copy;
}

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
