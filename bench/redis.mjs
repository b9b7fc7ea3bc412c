/** What a log in Redis costs: `node bench/redis.mjs [--report] [--shared]` (needs redis-server). A provider's tokens, relayed by one node to a
 *  reader there and to one on another node, with 0, 5 and 50 ms of delay on the way to Redis and back; then appends alone. */
import { mkdtempSync, rmSync } from "node:fs";
import { connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort, startCommand, startModule } from "./children.mjs";
import { copyProduct, importProduct, productCommand } from "./contestants/product.mjs";
import { makeToken } from "./load/event.mjs";
import { startRedis } from "./load/redis.mjs";
import { startProvider } from "./load/runs.mjs";
import { cpuSeconds } from "./measure.mjs";
import { reportNodes, show } from "./nodes-report.mjs";

const [RUNS, TOKENS, RATE] = [20, 500, 100];
/** The provider waits, so that all readers are there when it begins. */
const WAIT_MS = 1_500;
const DELAYS_MS = [0, 5, 50];
const APPEND_MS = 3_000;

const { values } = parseArgs({
  options: { report: { type: "boolean" }, shared: { type: "boolean" } },
});
process.env.BENCH_PRODUCT = copyProduct("redis");
const folder = mkdtempSync(join(tmpdir(), "millrace-bench-redis-"));
const redis = await startRedis();
const redisPort = Number(new URL(redis.env.REDIS_URL).port);
const provider = await startProvider();
const proxies = [];
try {
  const relayed = [];
  for (const delayMs of DELAYS_MS) relayed.push(await relay(delayMs));
  const appended = [];
  for (const streams of [1, 1_000]) for (const batch of [1, 64]) appended.push(await append(streams, batch));
  for (const row of [...relayed, ...appended]) console.log(row.join(" | "));
  if (values.report) report(relayed, appended);
} finally {
  for (const proxy of proxies) proxy.close();
  await provider.stop();
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(0);

function report(relayed, appended) {
  const options = { isShared: values.shared };
  const command = "node bench/redis.mjs --report";
  const relay = {
    title: "a relay over Redis, and the way to it",
    command,
    columns: [
      "delay each way",
      "a run took, s",
      "its rate asks for, s",
      "on its node p50, ms",
      "p99, ms",
      "on another p50, ms",
      "p99, ms",

      "scripts per 1,000 tokens",
      "commands in all",
      "Redis, µs per token",
      "its node, µs per token",
      "the other, µs per token",
      "lost",
    ],
    rows: relayed,
    notes: [
      `${RUNS} runs of ${TOKENS} tokens at ${RATE} a second through a provider that speaks OpenAI's format, each with a reader on the node that relays it and one on another node; latency from the provider's write to the reader's read. Commands in all are what Redis counts, those within scripts and the nodes' leases and hints included; µs are CPU.`,
    ],
  };
  reportNodes("redis", relay, options);
  const appends = {
    title: "appends to Redis, in process",
    command,
    columns: [
      "what",
      "events per second",
      "Redis, µs per event",
      "Redis, µs per append",
      "the process, µs per event",
    ],
    rows: appended,
    notes: [
      "64 appends under way at a time, each an event of 41 bytes, or 64 of them; one Redis that keeps nothing on the disk. µs are CPU.",
    ],
  };
  reportNodes("redis-appends", appends, options);
}

async function relay(delayMs) {
  const url = `redis://127.0.0.1:${await delayed(delayMs)}?prefix=bench-${delayMs}`;
  const [own, other] = [await startNode(url), await startNode(url)];
  const ears = [startModule("load/readers.mjs"), startModule("load/readers.mjs")];
  try {
    const streams = await Promise.all(
      Array.from({ length: RUNS }, (_, run) => startRun(own.port, run, 20, 0)),
    );
    await hear(ears, [own, other], streams);
    await ask("CONFIG RESETSTAT");
    const cpuBefore = [redis, own, other].map(({ pid }) => cpuSeconds(pid));
    const begun = performance.now();
    const runs = await Promise.all(
      Array.from({ length: RUNS }, (_, run) => startRun(own.port, run, TOKENS, RATE)),
    );
    const heard = await hear(ears, [own, other], runs);
    const seconds = (performance.now() - begun - WAIT_MS) / 1_000;
    const cpu = [redis, own, other].map(({ pid }, index) => cpuSeconds(pid) - cpuBefore[index]);
    const stats = await ask("INFO commandstats");
    const calls = [...stats.matchAll(/cmdstat_([^:]+):calls=(\d+)/g)];
    const all = calls.reduce((sum, [, , count]) => sum + Number(count), 0);
    const scripts = Number(calls.find(([, name]) => name === "evalsha")?.[2] ?? 0);
    const tokens = RUNS * TOKENS;
    const lost = heard.reduce((sum, { events, disorder }) => sum + tokens - events + disorder, 0);
    return [
      `${delayMs} ms`,
      ...[seconds, TOKENS / RATE, heard[0].p50, heard[0].p99, heard[1].p50, heard[1].p99].map(show),
      ...[scripts, all].map((count) => show((count * 1_000) / tokens)),
      ...cpu.map((each) => show((each * 1e6) / tokens)),
      show(lost),
    ];
  } finally {
    for (const ear of ears) await ear.stop();
    await own.stop();
    await other.stop();
  }
}

async function startNode(url) {
  const port = await freePort();
  const data = mkdtempSync(join(folder, "node-"));
  const args = ["serve", "--port", String(port), "--data", data, "--no-demo", "--log", url];
  // Only the provider of this run.
  const env = { OPENAI_API_KEY: "bench", ...provider.env };
  const node = await startCommand(process.execPath, [productCommand(), ...args], { port, env });
  return { port, ...node };
}

async function startRun(port, run, tokens, rate) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      prompt: `tokens=${tokens} rate=${rate} delay=${rate === 0 ? 0 : WAIT_MS} run=${run}`,
      model: "bench",
    }),
  });
  const { stream, error } = await response.json();
  if (stream === undefined) throw new Error(`A run was refused: ${error?.message}`);
  return stream;
}

/** Reads streams to their ends on both nodes. */
async function hear(ears, nodes, streams) {
  return Promise.all(
    ears.map(async (ear, index) => {
      const { port } = nodes[index];
      const requests = streams.map(
        (stream) =>
          `GET /v1/streams/${stream} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\nConnection: close\r\n\r\n`,
      );
      await ear.ask("close");
      await ear.ask("open", { port, requests, sampleEvery: 1 });
      await ear.ask("reset");
      return ear.ask("await", { timeoutMs: 60_000, until: "end" });
    }),
  );
}

async function append(streams, batch) {
  const { openRedisLog } = await importProduct("millrace/log/redis");
  const log = await openRedisLog({ url: `${redis.env.REDIS_URL}?prefix=append-${streams}-${batch}` });
  let events = 0;
  let appends = 0;
  const write = async (first, until) => {
    for (let n = first; performance.now() < until; n += 64) {
      const data = Array.from({ length: batch }, () => ({ data: makeToken(1, n) }));
      await log.append(`bench/${n % streams}`, data, { create: { kind: "log" } });
      events += batch;
      appends += 1;
    }
  };
  const writeAll = (ms) => {
    const until = performance.now() + ms;
    return Promise.all(Array.from({ length: 64 }, (_, first) => write(first, until)));
  };
  await writeAll(500);
  [events, appends] = [0, 0];
  const before = [cpuSeconds(redis.pid), process.cpuUsage()];
  const begun = performance.now();
  await writeAll(APPEND_MS);
  const seconds = (performance.now() - begun) / 1_000;
  const cpu = cpuSeconds(redis.pid) - before[0];
  const { user, system } = process.cpuUsage(before[1]);
  await log.close();
  return [
    `${streams.toLocaleString("en-US")} stream${streams === 1 ? "" : "s"}, ${batch} event${batch === 1 ? "" : "s"} an append`,
    ...[events / seconds, (cpu * 1e6) / events, (cpu * 1e6) / appends, (user + system) / events].map(show),
  ];
}

/** A proxy to Redis that holds everything back, in both directions. */
async function delayed(delayMs) {
  if (delayMs === 0) return redisPort;
  const proxy = createServer((client) => {
    const upstream = connect(redisPort, "127.0.0.1");
    pass(client, upstream, delayMs);
    pass(upstream, client, delayMs);
  });
  proxies.push(proxy);
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return proxy.address().port;
}

function pass(from, to, delayMs) {
  from.setNoDelay(true);
  from.on("data", (piece) => setTimeout(() => to.write(piece), delayMs));
  from.on("close", () => setTimeout(() => to.destroy(), delayMs));
  from.on("error", () => to.destroy());
}

function ask(command) {
  return new Promise((resolve, reject) => {
    const socket = connect(redisPort, "127.0.0.1", () => socket.write(`${command}\r\nQUIT\r\n`));
    let answer = "";
    socket.on("data", (piece) => (answer += piece));
    socket.on("error", reject);
    socket.on("close", () => resolve(answer));
  });
}
