import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const E2E = "test/e2e/**/*.test.ts";

/** What the examples import under its public name: the sources, not what was built of them. */
const PUBLIC = [
  { find: /^millrace$/, replacement: source("server.ts") },
  { find: /^millrace\/client\/live$/, replacement: source("client/live.ts") },
  { find: /^millrace\/(client|protocol|react)$/, replacement: source("$1/index.ts") },
];

export default defineConfig({
  resolve: { alias: PUBLIC },
  test: {
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The e2e tests run what was built: a stale dist/ would test yesterday's code.
    globalSetup: ["test/support/fresh-build.ts"],
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [E2E],
          sequence: { groupOrder: 0 },
        },
      },
      {
        // A browser and a server each: one file at a time, after the others, so that no timing is blurred.
        extends: true,
        test: { name: "e2e", include: [E2E], fileParallelism: false, sequence: { groupOrder: 1 } },
      },
    ],
  },
});

function source(path: string): string {
  return fileURLToPath(new URL("src/", import.meta.url)) + path;
}
