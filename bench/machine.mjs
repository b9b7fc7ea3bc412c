import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

/** What a figure must be read with: machine, versions, commit. */
export function describeMachine(root) {
  const [cpu] = cpus();
  const git = (...args) => {
    try {
      return execFileSync("git", args, { cwd: root, encoding: "utf8" }).trim();
    } catch {
      return "";
    }
  };
  const commit = git("rev-parse", "--short", "HEAD") || "unknown";
  const isChanged = git("status", "--porcelain", "--", "src") !== "";
  const machine = {
    cpu: cpu?.model.trim() ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    commit: isChanged ? `${commit} with changes in src` : commit,
    at: new Date().toISOString().slice(0, 16),
  };
  return {
    ...machine,
    lines: [
      `${machine.cores} × ${machine.cpu}, ${machine.memoryGiB} GiB, Linux ${machine.kernel}, Node ${machine.node}`,
      `commit ${machine.commit}, ${machine.at} UTC`,
    ],
  };
}
