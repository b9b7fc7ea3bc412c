import { build } from "vite";

/** Bundles and minifies an entry of src/ as a page would get it: one script that names its exports `millrace`.
 *  `external`: what is left out, and is counted elsewhere. */
export async function bundle(entry: string, external: readonly (string | RegExp)[] = []): Promise<string> {
  const built = await build({
    configFile: false,
    logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
    build: {
      write: false,
      minify: true,
      target: "es2022",
      lib: {
        entry: new URL(`../../src/${entry}`, import.meta.url).pathname,
        formats: ["iife"],
        name: "millrace",
      },
      rolldownOptions: { external: [...external], output: { globals: () => "external" } },
    },
  });
  const [output] = Array.isArray(built) ? built : [built];
  if (output === undefined || !("output" in output))
    throw new Error("vite is watching, and was not asked to");
  return output.output[0].code;
}
