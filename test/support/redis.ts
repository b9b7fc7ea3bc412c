import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort } from "./server-process.ts";
import { openRedisLog } from "../../src/log/redis.ts";
import type { OpenLog } from "../log/conformance.ts";

/** A real Redis on a free port, with a folder of its own. */
export interface RedisServer extends AsyncDisposable {
  /** `redis://127.0.0.1:PORT` */
  url: string;
  port: number;
  pid: () => number;
  /** Runs one command; resolves with what Redis answers, as text. */
  command(...args: string[]): Promise<string>;
  /** Ends the process at once. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Starts it again on the same port and folder. */
  start(): Promise<void>;
}

export interface RedisServerOptions {
  /** More settings, as on its command line: `["--maxmemory", "8mb"]`. */
  args?: readonly string[];
}

const START_MS = 60_000;

export async function startRedis({ args = [] }: RedisServerOptions = {}): Promise<RedisServer> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-redis-"));
  const port = await freePort();
  let child: ChildProcess | undefined;
  let output = "";

  async function start(): Promise<void> {
    const started = spawn(
      "/usr/bin/redis-server",
      ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder, "--save", "", ...args],
      { stdio: ["ignore", "pipe", "pipe"] },
    );
    child = started;
    for (const stream of [started.stdout, started.stderr]) {
      stream.on("data", (piece: Buffer) => (output = (output + piece.toString()).slice(-4_000)));
    }
    const deadline = Date.now() + START_MS;
    while (!(await command("PING").catch(() => "")).startsWith("+PONG")) {
      if (started.exitCode !== null || Date.now() > deadline)
        throw new Error(`Redis did not start\n${output}`);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  async function kill(signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, "exit");
    child.kill(signal);
    await gone;
  }

  function command(...words: string[]): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, "127.0.0.1", () => socket.write(`${words.join(" ")}\r\nQUIT\r\n`));
      let answer = "";
      socket.on("data", (piece) => (answer += piece.toString()));
      socket.on("error", reject);
      socket.on("close", () => resolve(answer));
    });
  }

  await start();
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    pid: () => child?.pid ?? 0,
    command,
    kill,
    start,
    async [Symbol.asyncDispose]() {
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Three masters of a Redis Cluster, each with a third of the slots. */
export interface RedisCluster extends AsyncDisposable {
  url: string;
  masters: readonly RedisServer[];
}

const SLOTS = 16_384;

export async function startRedisCluster(): Promise<RedisCluster> {
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  // One after the other: each takes a port that is free then, and another ten thousand above.
  const masters: RedisServer[] = [];
  for (let index = 0; index < 3; index++) {
    const busPort = String(await freePort());
    masters.push(await startRedis({ args: [...args, "--cluster-port", busPort] }));
    const from = Math.floor((SLOTS * index) / 3);
    const to = Math.floor((SLOTS * (index + 1)) / 3) - 1;
    await masters[index]?.command("CLUSTER", "ADDSLOTSRANGE", String(from), String(to));
    if (index > 0) {
      await masters[0]?.command("CLUSTER", "MEET", "127.0.0.1", String(masters[index]?.port), busPort);
    }
  }
  const deadline = Date.now() + START_MS;
  for (const master of masters) {
    while (!(await master.command("CLUSTER", "INFO")).includes("cluster_state:ok")) {
      if (Date.now() > deadline) throw new Error("the Cluster did not form");
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  return {
    url: `redis://${masters.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    masters,
    async [Symbol.asyncDispose]() {
      for (const master of masters) await master[Symbol.asyncDispose]();
    },
  };
}

/** Opens logs with keys of their own. The address is known once the server runs. */
export function openRedisLogs(url: () => string | undefined): OpenLog {
  let logs = 0;
  return async (options) => {
    const own = `${url()}?prefix=test-${++logs}`;
    let log = await openRedisLog({ url: own, ...options });
    return {
      log,
      async reopen() {
        await log.close();
        log = await openRedisLog({ url: own, ...options });
        return log;
      },
      dispose: () => log.close(),
    };
  };
}
