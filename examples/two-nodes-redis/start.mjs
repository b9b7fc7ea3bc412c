// Two nodes of Millrace that share a Redis, behind nginx, on http://127.0.0.1:8080. Needs redis-server and nginx.
// Start it with: node examples/two-nodes-redis/start.mjs
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MILLRACE = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const NGINX = process.env.NGINX ?? "/usr/sbin/nginx";

export async function start({ port = 8080, nodePorts = [4001, 4002], redisPort = 6390, args = [] } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "millrace-two-nodes-"));
  /** Last started first. */
  const parts = [];
  const run = (command, commandArgs) => {
    const part = spawn(command, commandArgs, { stdio: ["ignore", "ignore", "inherit"] });
    parts.unshift(part);
    return part;
  };
  const close = async () => {
    for (const part of parts) {
      part.kill("SIGKILL");
      await ended(part);
    }
    await rm(folder, { recursive: true, force: true });
  };

  async function startParts() {
    const place = ["--port", String(redisPort), "--bind", "127.0.0.1", "--dir", folder];
    const keeps = ["--save", "", "--appendonly", "yes", "--appendfsync", "always"];
    const redis = run("redis-server", [...place, ...keeps]);
    await listening(redisPort, redis);

    const serve = [MILLRACE, "serve", "--log", `redis://127.0.0.1:${redisPort}`, ...args];
    const nodes = nodePorts.map((nodePort) => run(process.execPath, [...serve, "--port", String(nodePort)]));
    await Promise.all(nodes.map((node, index) => listening(nodePorts[index], node)));

    let config = await readFile(new URL("nginx.conf", import.meta.url), "utf8");
    config = config.replace("127.0.0.1:8080", `127.0.0.1:${port}`);
    for (const [index, nodePort] of nodePorts.entries()) {
      config = config.replace(`127.0.0.1:${4001 + index}`, `127.0.0.1:${nodePort}`);
    }
    const path = join(folder, "nginx.conf");
    await writeFile(path, config);
    const nginxArgs = ["-p", folder, "-c", path, "-e", join(folder, "error.log"), "-g", globals(folder)];
    const nginx = run(NGINX, nginxArgs);
    await listening(port, nginx);
    return nodes;
  }

  try {
    const nodes = await startParts();
    return { url: `http://127.0.0.1:${port}`, nodes, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** What nginx needs to run without being root. */
function globals(folder) {
  return `daemon off; master_process off; pid ${folder}/nginx.pid;`;
}

async function listening(port, child) {
  while (child.exitCode === null) {
    const isThere = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => resolve(true));
      socket.on("connect", () => socket.destroy());
      socket.on("error", () => setTimeout(resolve, 50, false));
    });
    if (isThere) return;
  }
  throw new Error(`${child.spawnfile} did not start`);
}

function ended(child) {
  if (child.exitCode !== null || child.signalCode !== null) return undefined;
  return new Promise((resolve) => {
    child.once("exit", resolve);
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { url, close } = await start();
  console.log(`Two nodes behind ${url}. Ctrl+C stops all.`);
  process.once("SIGINT", () => void close().then(() => process.exit(0)));
}
