/** What the tests need from the machine and npm does not bring: a browser, a proxy and a Redis. */
import { existsSync, readFileSync } from "node:fs";
import { runTool } from "./tool.mjs";

const NEEDS = [
  { file: "/usr/bin/chromium", packages: ["chromium"] },
  { file: "/usr/sbin/nginx", packages: ["nginx-light", "nginx"], pidFile: "/run/nginx.pid" },
  { file: "/usr/bin/redis-server", packages: ["redis-server"], pidFile: "/run/redis/redis-server.pid" },
];
const STOP_WAIT_MS = 5_000;

/** Makes sure that Chromium, nginx and Redis are there; installs them if this is root on a Debian.
 *  @returns {Promise<{installed: string[], problem?: string}>} `problem` is one sentence that says what to install */
export async function ensureSystem() {
  const missing = NEEDS.filter(({ file }) => !existsSync(file));
  if (missing.length === 0) return { installed: [] };

  const names = missing.map(({ packages }) => packages[0]);
  const request = `The tests need ${missing.map(({ file }) => file).join(" and ")}: install the Debian packages ${names.join(" and ")}.`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) return { installed: [], problem: request };

  const startable = missing.filter(
    ({ pidFile }) => pidFile !== undefined && runningPid(pidFile) === undefined,
  );
  await runApt("update", "-qq");
  for (const { file, packages } of missing) {
    for (const name of packages) {
      if (!existsSync(file)) await runApt("install", "-y", "-qq", "--no-install-recommends", name);
    }
    if (!existsSync(file)) return { installed: [], problem: request };
  }
  for (const { pidFile } of startable) await stopStarted(pidFile);
  return { installed: names };
}

function runApt(...args) {
  return runTool("/usr/bin/apt-get", args, { env: { DEBIAN_FRONTEND: "noninteractive" } });
}

/** Some machines start a service when its package arrives. It is stopped by its own pid, and only if it was not there before:
 *  the tests start their own on free ports. */
async function stopStarted(pidFile) {
  const pid = runningPid(pidFile);
  if (pid === undefined) return;
  process.kill(pid, "SIGTERM");
  const deadline = Date.now() + STOP_WAIT_MS;
  while (runningPid(pidFile) === pid && Date.now() < deadline) {
    await new Promise((resolve) => {
      setTimeout(resolve, 50);
    });
  }
}

/** The pid of the machine's own service, if it runs. */
function runningPid(pidFile) {
  try {
    const pid = Number(readFileSync(pidFile, "utf8"));
    // Zero or a broken number would address a whole process group.
    if (!Number.isSafeInteger(pid) || pid <= 1) return undefined;
    process.kill(pid, 0);
    return pid;
  } catch {
    // No pid file, or the pid of a process that is gone: it does not run.
    return undefined;
  }
}
