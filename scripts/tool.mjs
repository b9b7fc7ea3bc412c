/** Runs the project's tools from node_modules/.bin, and says how long a step took. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Runs a command to its end and keeps what it printed; never throws for a command that fails.
 *  Output: kept, or shown as it comes with `show`.
 *  @param {string} command a tool of node_modules/.bin by its bare name, or a path
 *  @param {string[]} args
 *  @param {{show?: boolean, env?: Record<string, string>}} [options]
 *  @returns {Promise<{code: number, output: string}>} */
export function runTool(command, args, options = {}) {
  const file = command.includes("/") ? command : join(ROOT, "node_modules", ".bin", command);
  return new Promise((resolve) => {
    const chunks = [];
    const child = spawn(file, args, {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      stdio: options.show ? ["ignore", "inherit", "inherit"] : ["ignore", "pipe", "pipe"],
    });
    child.stdout?.on("data", (chunk) => chunks.push(chunk));
    child.stderr?.on("data", (chunk) => chunks.push(chunk));
    child.on("error", (error) => resolve({ code: 1, output: `${error.message}\n` }));
    // A tool that a signal ended has no exit code: it has failed.
    child.on("close", (code) => resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString("utf8") }));
  });
}

/** One line for one step, such as `build: web                1.2 s`.
 *  @param {string} step
 *  @param {number} startedAt from performance.now()
 *  @param {string} [outcome] said only if there is something to say */
export function printStep(step, startedAt, outcome = "") {
  const seconds = `${((performance.now() - startedAt) / 1000).toFixed(1)} s`;
  console.log(`${step.padEnd(20)} ${seconds.padStart(8)}${outcome === "" ? "" : `   ${outcome}`}`);
}

/** @param {string} text */
export function printOutput(text) {
  const trimmed = text.trimEnd();
  if (trimmed !== "") console.log(trimmed);
}
