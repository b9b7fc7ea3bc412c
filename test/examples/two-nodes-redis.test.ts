import { execFile } from "node:child_process";
import { setTimeout as wait } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { readStream } from "../support/reader.ts";
import { freePort } from "../support/server-process.ts";

/** What the example exports: it is a program of its own, in JavaScript. */
interface Example {
  start(options: object): Promise<{
    url: string;
    nodes: { kill: (signal: NodeJS.Signals) => boolean; exitCode: number | null }[];
    close(): Promise<void>;
  }>;
}

const PATH = new URL("../../examples/two-nodes-redis/start.mjs", import.meta.url).href;
let close: (() => Promise<void>) | undefined;
afterEach(() => close?.());

async function startExample() {
  const example = (await import(/* @vite-ignore */ PATH)) as Example;
  const ports = { port: await freePort(), redisPort: await freePort() };
  const nodePorts = [await freePort(), await freePort()];
  const running = await example.start({ ...ports, nodePorts, args: ["--dev", "--drain", "1"] });
  close = () => running.close();
  return running;
}

test("readers behind nginx lose nothing while their nodes are stopped one after the other", async () => {
  const { url, nodes } = await startExample();
  const reading = [];
  for (let seed = 0; seed < 6; seed++) {
    const started = await fetch(`${url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: `tokens=400 rate=100 seed=${seed}`, model: "script" }),
    });
    const { stream } = (await started.json()) as { stream: string };
    reading.push(
      readStream({ url: `${url}/v1/streams/${stream}`, kind: "chat", reconnectMs: "as-told" }),
      readStream({ url: `${url}/v1/streams/${stream}`, kind: "chat", reconnectMs: "as-told" }),
    );
  }
  await wait(500);
  nodes[0]?.kill("SIGTERM");
  const reports = await Promise.all(reading);
  for (const report of reports) expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0 });
  for (let run = 0; run < reports.length; run += 2) {
    expect(reports[run]?.sha256).toBe(reports[run + 1]?.sha256);
    expect(["stop", "interrupted"]).toContain(reports[run]?.end?.["reason"]);
  }
  // One node alone serves everything; without any, an EventSource is told to come back.
  expect((await fetch(`${url}/readyz`)).status).toBe(200);
  nodes[1]?.kill("SIGKILL");
  await expect.poll(() => nodes.every(({ exitCode }) => exitCode !== null) || nodes[0]?.exitCode).toBe(0);
  const reader = await fetch(`${url}/v1/streams/scores`, { headers: { accept: "text/event-stream" } });
  expect([reader.status, await reader.text()]).toEqual([200, "retry: 2000\n\n"]);
  const other = await fetch(`${url}/v1/models`);
  expect(other.status).toBe(503);
});

test("the nginx configuration is one that nginx takes", async () => {
  const config = fileURLToPath(new URL("../../examples/two-nodes-redis/nginx.conf", import.meta.url));
  const output = await new Promise<string>((resolve) => {
    execFile(
      "/usr/sbin/nginx",
      ["-t", "-q", "-c", config, "-e", "/dev/null", "-g", "pid /dev/null;"],
      (_, __, stderr) => resolve(stderr),
    );
  });
  expect(output).not.toContain("[emerg]");
});
