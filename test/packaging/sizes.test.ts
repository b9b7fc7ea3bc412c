import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundleFirstLoad } from "../support/bundle.ts";

test.each([
  { entry: "client/index.ts", external: [], kb: 12 },
  { entry: "client/live.ts", external: [], kb: 4 },
  { entry: "ai-sdk/index.ts", external: [], kb: 4 },
  { entry: "react/index.ts", external: [/^react/, /\/client\//], kb: 3 },
])("$entry has at most $kb KB, minified and gzipped", async ({ entry, external, kb }) => {
  const code = await bundleFirstLoad(entry, external);
  const size = gzipSync(code, { level: 9 }).length;
  console.log(`${entry}: ${size} bytes`);
  expect(code.length).toBeGreaterThan(500);
  expect(size).toBeLessThanOrEqual(kb * 1024);
});
