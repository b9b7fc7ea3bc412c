import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Builds before the first test if a source has changed since the last build; fails loudly if it does not build. */
export function setup(): void {
  const script = fileURLToPath(new URL("../../scripts/build.mjs", import.meta.url));
  const build = spawnSync(process.execPath, [script, "--if-needed"], { stdio: "inherit" });
  if (build.status !== 0)
    throw new Error("The build failed, so there is nothing to test; its output is above.");
}
