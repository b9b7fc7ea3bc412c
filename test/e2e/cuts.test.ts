import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createServer } from "../../src/server.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { readStream } from "../support/reader.ts";
import type { ReaderReport } from "../support/reader.ts";
import { createRandom } from "../support/seeded.ts";

const RUNS = 50;
const MAX_RUNS = 500;
const MIN_CUTS = 2_000;
const EVENTS = 3_000;
const KEYS = 40;
const SEED = 7;

test(`${MIN_CUTS} random cuts over at least ${RUNS} runs and streams of each kind lose, double and reorder nothing`, async () => {
  const data = await mkdtemp(join(tmpdir(), "millrace-cuts-"));
  const server = await createServer({ data, isDev: true, hasPages: false });
  try {
    const url = await server.listen(0);
    const random = createRandom(SEED);
    // Now and then far enough for the largest block: otherwise it would never arrive.
    const cutAfter = () => (random.next() < 0.95 ? random.int(1, 1_200) : random.int(1, 200_000));
    await using proxy = await startCuttingProxy({ target: Number(new URL(url).port), cutAfter });
    const through = (stream: string) => `http://127.0.0.1:${proxy.port}/v1/streams/${stream}`;

    await put(url, "cut/log", { kind: "log" });
    await put(url, "cut/state", { kind: "state" });
    const readRun = async (index: number) => {
      const prompt = `tokens=800 rate=400 seed=${index} markdown=${index % 2 === 0} reasoning=${index % 3}`;
      const { stream } = await post<{ stream: string }>(url, "/v1/runs", { prompt, model: "script" });
      const report = await readStream({ url: through(stream), kind: "chat" });
      expectWhole(report, 0);
      expect(report.end).toMatchObject({ reason: "stop", sha256: report.sha256 });
    };
    const logs = Array.from({ length: 8 }, () => readStream({ url: through("cut/log"), kind: "log" }));
    const states = Array.from({ length: 8 }, () => readStream({ url: through("cut/state"), kind: "state" }));
    const published = publish(url);
    let runs = 0;
    // How many cuts a run has depends on the machine: on until there were enough.
    for (; runs < RUNS || (proxy.cuts < MIN_CUTS && runs < MAX_RUNS); runs += RUNS) {
      await Promise.all(Array.from({ length: RUNS }, (_, index) => readRun(runs + index)));
    }
    await published;
    const all = Array.from({ length: EVENTS }, (_, index) => ({ type: "count", n: index }));
    for (const report of await Promise.all(logs)) {
      expectWhole(report, 0);
      expect(report.events).toEqual(all);
    }
    const finals = Array.from({ length: KEYS }, (_, index) => [`k${index}`, EVENTS - KEYS + index] as const);
    for (const report of await Promise.all(states)) {
      expectWhole(report, 0);
      const folded = new Map(report.events.map((event) => [event.key, event["n"]]));
      expect(folded).toEqual(new Map(finals));
    }
    console.log(`${proxy.cuts} cuts over ${runs} runs and 16 readers of raw streams, seed ${SEED}`);
    expect(proxy.cuts).toBeGreaterThanOrEqual(MIN_CUTS);
  } finally {
    await server.close();
    await rm(data, { recursive: true, force: true });
  }
}, 400_000);

function expectWhole(report: ReaderReport, resets: number): void {
  expect(report).toMatchObject({ gaps: 0, doubles: 0, resets });
  expect([204, "stream-end"]).toContain(report.status);
}

async function publish(url: string): Promise<void> {
  for (let n = 0; n < EVENTS; n += 10) {
    const numbers = Array.from({ length: 10 }, (_, index) => n + index);
    await post(
      url,
      "/v1/streams/cut/log",
      numbers.map((number) => ({ type: "count", n: number })),
    );
    await post(
      url,
      "/v1/streams/cut/state",
      numbers.map((number) => ({ key: `k${number % KEYS}`, n: number })),
    );
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  await post(url, "/v1/streams/cut/log?close=true", []);
  await post(url, "/v1/streams/cut/state?close=true", []);
}

function put(url: string, stream: string, body: object): Promise<unknown> {
  return send(url, "PUT", `/v1/streams/${stream}`, body);
}

function post<T>(url: string, path: string, body: object): Promise<T> {
  return send(url, "POST", path, body) as Promise<T>;
}

async function send(url: string, method: string, path: string, body: object): Promise<unknown> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
  return response.json();
}
