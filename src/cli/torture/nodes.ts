import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { CliError, EXIT } from "../exit.ts";

/** A process on a port of its own that can be killed, and started again in the same place. */
export interface Part {
  readonly url: string;
  start(): Promise<void>;
  /** SIGKILL: what it had not given away is gone. */
  kill(): Promise<void>;
}

/** What is tortured: nodes, and the Redis they share where it was started here. */
export interface Parts {
  nodes: readonly Part[];
  redis: Part | undefined;
  close(): Promise<void>;
}

export interface PartsOptions {
  nodes: number;
  /** The address of a Redis that is there; undefined: one is started for more than one node. */
  log: string | undefined;
  /** What becomes of the runs of a dead node, as `serve --recover` takes it. */
  recover?: string | undefined;
}

const MAIN = fileURLToPath(new URL("../main.js", import.meta.url));
const START_MS = 30_000;
/** Between two attempts to start what has ended at once. */
const AGAIN_MS = 500;
const PORTS = [15_000, 32_000] as const;

/** Starts nodes in a folder of their own. Errors: CliError where there is no `redis-server` to start. */
export async function startParts({ nodes: count, log, recover }: PartsOptions): Promise<Parts> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-torture-"));
  const started: Part[] = [];
  const start = async (command: string, port: number, args: readonly string[]) => {
    const part = createPart(command, port, args);
    started.push(part);
    await part.start();
    return part;
  };
  const close = async () => {
    await Promise.all(started.map((part) => part.kill()));
    await rm(folder, { recursive: true, force: true });
  };
  try {
    let redis: Part | undefined;
    if (log === undefined && count > 1) {
      const port = await freePort();
      const kept = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
      redis = await start("redis-server", port, [
        "--port",
        String(port),
        "--bind",
        "127.0.0.1",
        "--dir",
        folder,
        ...kept,
      ]);
    }
    const address = log ?? (redis && `redis://127.0.0.1:${new URL(redis.url).port}`) ?? "lmdb";
    const nodes: Part[] = [];
    for (let index = 0; index < count; index++) {
      const port = await freePort();
      const args = ["serve", "--port", String(port), "--data", join(folder, `node-${index}`)];
      if (recover !== undefined) args.push("--recover", recover);
      nodes.push(
        await start(process.execPath, port, [MAIN, ...args, "--dev", "--no-demo", "--log", address]),
      );
    }
    return { nodes, redis, close };
  } catch (error) {
    await close();
    throw error;
  }
}

function createPart(command: string, port: number, args: readonly string[]): Part {
  let child: ChildProcess | undefined;
  const isGone = () => child === undefined || child.exitCode !== null || child.signalCode !== null;
  return {
    url: `http://127.0.0.1:${port}`,
    async start() {
      let failure: Error | undefined;
      const spawnIt = () => {
        child = spawn(command, args, { stdio: "ignore" });
        child.on("error", (error) => (failure = error));
      };
      spawnIt();
      for (const until = performance.now() + START_MS; isGone() || !(await accepts(port));) {
        if (failure === undefined && isGone() && performance.now() < until) {
          // While it was killed another program may have taken its port for a moment.
          await new Promise((resolve) => setTimeout(resolve, AGAIN_MS));
          spawnIt();
        } else if (failure !== undefined || performance.now() > until) {
          throw new CliError(
            EXIT.failed,
            `${command} did not start${failure === undefined ? "" : `: ${failure.message}`}. Several nodes need redis-server, or name a Redis with --log.`,
          );
        }
      }
    },
    async kill() {
      if (child === undefined || isGone()) return;
      const exit = once(child, "exit");
      child.kill("SIGKILL");
      await exit;
    },
  };
}

function accepts(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => setTimeout(() => resolve(false), 20));
  });
}

/** A port that is free, and not one of those that systems give to whoever asks for any: another program would have it while a part is
 *  killed, and be read from in its place. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(...PORTS);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}
