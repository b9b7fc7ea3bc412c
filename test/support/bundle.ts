import { build } from "vite";
import type { BuildEnvironmentOptions } from "vite";

/** Bundles and minifies an entry of src/ as a page would get it: one script that names its exports `millrace`, or otherwise. */
export function bundle(entry: string, name = "millrace"): Promise<string> {
  return buildEntry({ lib: { entry: pathOf(entry), formats: ["iife"], name } });
}

/** The same as a module, as far as a page loads it at first: without what is imported when it is needed. `external` is left out, too,
 *  and is counted elsewhere. */
export function bundleFirstLoad(entry: string, external: readonly (string | RegExp)[]): Promise<string> {
  return buildEntry({
    lib: { entry: pathOf(entry), formats: ["es"] },
    // A library's spaces are left in; a page's are not.
    rolldownOptions: { external: [...external], output: { minify: true } },
  });
}

/** Bundles an example as a page would get it: one script that names its exports `example`. `alias` puts one package in the place of
 *  another. `mode` is React's. */
export function bundleExample(
  name: string,
  alias: Record<string, string>,
  mode: "development" | "production" = "production",
): Promise<string> {
  const entry = new URL(`../../examples/${name}`, import.meta.url).pathname;
  return buildEntry({ lib: { entry, formats: ["iife"], name: "example" } }, alias, mode);
}

function pathOf(entry: string): string {
  return new URL(`../../src/${entry}`, import.meta.url).pathname;
}

async function buildEntry(
  options: BuildEnvironmentOptions,
  alias: Record<string, string> = {},
  mode = "production",
): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    // Else it follows NODE_ENV, which is that of the tests.
    oxc: { jsx: { runtime: "automatic", development: false } },
    resolve: { alias },
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    build: { write: false, minify: true, target: "es2022", ...options },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !("output" in output))
    throw new Error("vite is watching, and was not asked to");
  const chunks = output.output.filter((chunk) => chunk.type === "chunk");
  const entry = chunks.find(({ isEntry }) => isEntry);
  if (entry === undefined) throw new Error("nothing was built");
  const parts = chunks.filter(({ fileName }) => entry.imports.includes(fileName));
  return [entry, ...parts].map(({ code }) => code).join("\n");
}
