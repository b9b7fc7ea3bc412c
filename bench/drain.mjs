/** Moves readers from a node that drains to another: `node bench/drain.mjs [--readers 5000] [--window 20] [--report] [--shared] [--json]`
 *  (needs redis-server). Real connections, each of which comes back after the `retry` that it was told, with the id that it saw last,
 *  while events go on. Says how many came back in the busiest second, and what they missed. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { get } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { freePort } from "./children.mjs";
import { copyProduct, productCommand } from "./contestants/product.mjs";
import { startRedis } from "./load/redis.mjs";
import { cpuSeconds } from "./measure.mjs";
import { reportNodes, show } from "./nodes-report.mjs";

const EVENTS_PER_SECOND = 2;
const CONNECTING = 100;

const { values } = parseArgs({
  options: {
    readers: { type: "string", default: "5000" },
    window: { type: "string", default: "20" },
    report: { type: "boolean" },
    shared: { type: "boolean" },
    json: { type: "boolean" },
  },
});
const [count, windowSeconds] = [Number(values.readers), Number(values.window)];

process.env.BENCH_PRODUCT = copyProduct("drain");
const folder = mkdtempSync(join(tmpdir(), "millrace-bench-drain-"));
const redis = await startRedis();
let result;
try {
  result = await measure();
} finally {
  await redis.stop();
  rmSync(folder, { recursive: true, force: true });
}
console.log(values.json ? JSON.stringify(result) : result);
if (values.report) {
  const { readers, peak, bound, seconds, lost, doubled, cpuMillis, exitCode } = result;
  reportNodes(
    "drain",
    {
      title: "readers move from a node that drains to another",
      command: "node bench/drain.mjs --report",
      columns: [
        "readers",
        "window, s",
        "came back in the busiest second",
        "bound: 2 × readers / window",
        "all back, s",
        "lost",
        "doubled",
        "CPU of the other node per reader, ms",
        "exit code",
      ],
      rows: [
        [
          show(readers),
          show(windowSeconds),
          show(peak),
          show(bound),
          show(seconds),
          show(lost),
          show(doubled),
          show(cpuMillis),
          String(exitCode),
        ],
      ],
      notes: [
        `SIGTERM to the node that has all readers, while ${EVENTS_PER_SECOND} events a second go on over the other. The busiest second is any, not one of the clock. Readers, nodes and Redis share the cores.`,
      ],
    },
    { isShared: values.shared },
  );
}
process.exit(result.lost + result.doubled === 0 && result.peak <= result.bound ? 0 : 1);

async function measure() {
  const [from, to] = [await startNode(), await startNode()];
  const readers = Array.from({ length: count }, () => ({
    id: undefined,
    next: 1,
    lost: 0,
    doubled: 0,
    retryMs: 0,
  }));
  const comings = [];
  let sent = 0;
  const publishing = setInterval(() => {
    sent += 1;
    void publish(to, sent);
  }, 1_000 / EVENTS_PER_SECOND);
  await publishSoon(from);
  let opening = 0;
  const openNext = async () => {
    while (opening < count) await follow(readers[opening++], from.port, onGone);
  };
  await Promise.all(Array.from({ length: CONNECTING }, openNext));
  const cpuBefore = cpuSeconds(to.pid);
  const begun = performance.now();
  const gone = new Promise((resolve) => from.child.once("exit", resolve));
  from.child.kill("SIGTERM");
  /** Each comes back as a browser does. */
  function onGone(reader) {
    setTimeout(() => {
      comings.push(performance.now());
      void follow(reader, to.port, () => {});
    }, reader.retryMs);
  }
  const exitCode = await gone;
  for (const until = performance.now() + 30_000; comings.length < count && performance.now() < until;)
    await sleep(50);
  const seconds = (Math.max(...comings) - begun) / 1_000;
  clearInterval(publishing);
  // All have what was sent, and what is after it.
  const last = sent + 1;
  await sleep(200);
  await publish(to, last);
  for (const until = performance.now() + 30_000; performance.now() < until; await sleep(50)) {
    if (readers.every(({ next }) => next > last)) break;
  }
  const cpu = cpuSeconds(to.pid) - cpuBefore;
  await to.stop();
  return {
    readers: count,
    moved: comings.length,
    peak: busiestSecond(comings),
    bound: (2 * count) / windowSeconds,
    seconds,
    lost: readers.reduce((sum, { lost, next }) => sum + lost + Math.max(0, last + 1 - next), 0),
    doubled: readers.reduce((sum, { doubled }) => sum + doubled, 0),
    cpuMillis: (cpu * 1_000) / count,
    exitCode,
  };

  async function publishSoon(node) {
    await publish(node, (sent += 1));
  }
}

async function startNode() {
  const port = await freePort();
  const data = mkdtempSync(join(folder, "node-"));
  const args = [
    "serve",
    "--port",
    String(port),
    "--data",
    data,
    "--no-demo",
    "--drain",
    String(windowSeconds),
  ];
  const child = spawn(process.execPath, [productCommand(), ...args, "--log", redis.env.REDIS_URL], {
    stdio: "ignore",
  });
  process.once("exit", () => child.kill("SIGKILL"));
  const stop = () => {
    const gone = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    return gone;
  };
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(50)) {
    const isReady = await fetch(`http://127.0.0.1:${port}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return { port, child, pid: child.pid, stop };
  }
  throw new Error("A node did not start.");
}

async function publish({ port }, n) {
  const response = await fetch(`http://127.0.0.1:${port}/v1/streams/moving`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ n }),
  });
  if (!response.ok) throw new Error(`An event was refused: ${response.status}`);
}

/** Reads until the connection ends; resolves when it is answered. */
function follow(reader, port, onGone) {
  return new Promise((resolve) => {
    const headers = { accept: "text/event-stream", ...(reader.id && { "last-event-id": reader.id }) };
    const request = get(
      { port, host: "127.0.0.1", path: "/v1/streams/moving", headers, agent: false },
      (response) => {
        resolve();
        let rest = "";
        response.setEncoding("utf8");
        response.on("data", (piece) => {
          const blocks = (rest + piece).split("\n\n");
          rest = blocks.pop();
          for (const block of blocks) take(reader, block);
        });
        response.on("error", () => {});
        response.on("close", () => onGone(reader));
      },
    );
    request.on("error", () => setTimeout(() => void follow(reader, port, onGone).then(resolve), 500));
  });
}

function take(reader, block) {
  const retry = /^retry: (\d+)$/m.exec(block)?.[1];
  if (retry !== undefined) reader.retryMs = Number(retry);
  const id = /^id: (.+)$/m.exec(block)?.[1];
  if (id !== undefined) reader.id = id;
  const n = /^data: \{"n":(\d+)\}$/m.exec(block)?.[1];
  if (n === undefined) return;
  if (Number(n) > reader.next) reader.lost += Number(n) - reader.next;
  if (Number(n) < reader.next) reader.doubled += 1;
  else reader.next = Number(n) + 1;
}

function busiestSecond(times) {
  const sorted = times.toSorted((a, b) => a - b);
  let most = 0;
  for (let first = 0, last = 0; last < sorted.length; last++) {
    while (sorted[last] - sorted[first] >= 1_000) first += 1;
    most = Math.max(most, last - first + 1);
  }
  return most;
}

function sleep(ms) {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
