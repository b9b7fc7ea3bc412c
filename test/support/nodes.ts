import { afterEach, beforeEach, expect } from "vitest";
import { readStream } from "./reader.ts";
import type { ReaderReport } from "./reader.ts";
import { startRedis } from "./redis.ts";
import type { RedisServer } from "./redis.ts";
import { startServerProcess } from "./server-process.ts";
import type { ServerProcess } from "./server-process.ts";

/** Starts nodes over a Redis that has on disk what it has said it has. */
export interface NodesOverRedis {
  redis: () => RedisServer;
  startNode: (args?: readonly string[]) => Promise<ServerProcess>;
  /** Is gone after the test, before what was kept before it. */
  keep: (one: AsyncDisposable) => void;
}

/** Gives each test of a file a Redis of its own; it and its nodes are gone after the test. */
export function nodesOverRedis(): NodesOverRedis {
  const kept: AsyncDisposable[] = [];
  let redis: RedisServer | undefined;
  const current = (): RedisServer => {
    if (redis === undefined) throw new Error("Redis is there when the tests run");
    return redis;
  };
  beforeEach(async () => {
    redis = await startRedis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    kept.push(redis);
  });
  afterEach(async () => {
    for (const one of kept.splice(0).toReversed()) await one[Symbol.asyncDispose]();
  });
  return {
    redis: current,
    async startNode(args = []) {
      const node = await startServerProcess({ args: ["--log", current().url, ...args] });
      kept.push(node);
      return node;
    },
    keep: (one) => kept.push(one),
  };
}

export async function post<T>(node: ServerProcess, path: string, body: object = {}): Promise<T> {
  const response = await fetch(`${node.url}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.ok, `POST ${path}: ${response.status}`).toBe(true);
  return (await response.json()) as T;
}

/** Lets the script model answer on a node. */
export function startRun(node: ServerProcess, prompt: string): Promise<{ run: string; stream: string }> {
  return post(node, "/v1/runs", { prompt, model: "script" });
}

/** Reads a run's stream on a node until it is over. */
export function readRun(node: ServerProcess, stream: string, onEvent?: () => void): Promise<ReaderReport> {
  return readStream({ url: `${node.url}/v1/streams/${stream}`, kind: "chat", ...(onEvent && { onEvent }) });
}
