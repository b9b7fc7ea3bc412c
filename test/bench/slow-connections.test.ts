import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const SLOW = fileURLToPath(new URL("../../bench/slow-connections.mjs", import.meta.url));

test("healthy readers lose nothing beside slow heads and readers that never read, which come", () => {
  const args = [
    SLOW,
    "--rounds",
    "1",
    "--heads",
    "200",
    "--readers",
    "20",
    "--seconds",
    "1",
    "--settle",
    "2",
  ];
  const { stdout, stderr } = spawnSync(process.execPath, [...args, "--json"], {
    encoding: "utf8",
    timeout: 160_000,
  });
  expect(stdout, stderr).toMatch(/^\{/);
  const result = JSON.parse(stdout) as { rows: { name: string; p99: number }[]; [figure: string]: unknown };
  expect(result).toMatchObject({ lost: 0 });
  expect(result["open"]).toBeGreaterThan(0);
  expect(result.rows.map(({ name }) => name)).toEqual(["alone", "beside", "elsewhere"]);
  for (const { p99 } of result.rows) expect(p99).toBeGreaterThan(0);
});
