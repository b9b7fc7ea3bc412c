import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

export default defineConfig({
  root: fileURLToPath(new URL("web", import.meta.url)),
  // Relative addresses, so that the page also works behind a proxy's path.
  base: "./",
  build: {
    outDir: fileURLToPath(new URL("dist/web", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // Each asset stays a file, none becomes a data: address: so a content policy can allow the page's own files alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
});
