#!/usr/bin/env node
/** The fuzz of the tests, for longer: `node bench/fuzz.mjs [seconds, default 3600] [seed]`. Exit code 1 on any failure. */
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const [seconds = "3600", seed] = process.argv.slice(2);
const { status } = spawnSync("npx", ["vitest", "run", "test/security/fuzz.test.ts"], {
  cwd: fileURLToPath(new URL("../", import.meta.url)),
  env: {
    ...process.env,
    MILLRACE_FUZZ_SECONDS: seconds,
    ...(seed !== undefined && { MILLRACE_FUZZ_SEED: seed }),
  },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
