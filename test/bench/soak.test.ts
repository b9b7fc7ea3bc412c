import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SOAK = fileURLToPath(new URL("../../bench/soak.mjs", import.meta.url));

test("the soak runs for as long as it is told, with cuts and stops, and nobody loses anything", () => {
  const args = [SOAK, "0.2", "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 160_000 });
  expect(stdout, stderr).toMatch(/^\{/);
  const result = JSON.parse(stdout) as Record<string, number>;
  expect(result).toMatchObject({ feeds: 4, lost: 0, doubled: 0, resets: 0 });
  expect(result["answers"]).toBeGreaterThan(0);
  expect(result["cuts"]).toBeGreaterThan(0);
});
