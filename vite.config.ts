import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";
import type { Plugin } from "vite";

/** KaTeX brings each font in three formats; every browser that runs the page reads the first. */
const oneFontFormat: Plugin = {
  name: "one-font-format",
  enforce: "pre",
  transform(code, id) {
    if (!/katex.*\.css$/.test(id)) return undefined;
    return code.replaceAll(/,\s*url\([^)]*\.(?:woff|ttf)\)\s*format\([^)]*\)/g, "");
  },
};

export default defineConfig({
  plugins: [oneFontFormat],
  root: fileURLToPath(new URL("web", import.meta.url)),
  // Its files find each other wherever they are served. The page itself is served at deeper addresses, too: `http/static.ts` says to it
  // where they are.
  base: "./",
  resolve: {
    // The page is our first user: it knows the package by its public names, whose build it is part of.
    alias: {
      "millrace/client/live": fileURLToPath(new URL("src/client/live.ts", import.meta.url)),
      "millrace/client": fileURLToPath(new URL("src/client/index.ts", import.meta.url)),
      "millrace/protocol": fileURLToPath(new URL("src/protocol/index.ts", import.meta.url)),
      "millrace/react": fileURLToPath(new URL("src/react/index.ts", import.meta.url)),
    },
  },
  build: {
    outDir: fileURLToPath(new URL("dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // Each asset stays a file, none becomes a data: address: so a content policy can allow the page's own files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
