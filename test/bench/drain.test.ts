import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const DRAIN = fileURLToPath(new URL("../../bench/drain.mjs", import.meta.url));

test("readers of a node that drains come back on another over the window, not at once, and miss nothing", () => {
  const args = [DRAIN, "--readers", "200", "--window", "4", "--json"];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", timeout: 100_000 });
  expect(stdout, stderr).toMatch(/^\{/);
  const report = JSON.parse(stdout) as Record<string, number>;
  expect(report).toMatchObject({ readers: 200, moved: 200, lost: 0, doubled: 0, exitCode: 0 });
  // Evenly would be 50 a second; that the bound of twice as many holds is for a machine that does nothing else to say.
  expect(report["peak"]).toBeLessThan(180);
});
