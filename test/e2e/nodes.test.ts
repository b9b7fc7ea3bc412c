import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { scriptTokens } from "../../src/chat/script.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { nodesOverRedis, post, readRun, startRun } from "../support/nodes.ts";
import { readStream } from "../support/reader.ts";
import { startRedis } from "../support/redis.ts";
import { startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const { redis, startNode, keep } = nodesOverRedis();

test("what one node generates is read on another, whole, live and after it", async () => {
  const [one, two] = await Promise.all([startNode(), startNode()]);
  const runs = await Promise.all(
    Array.from({ length: 10 }, (_, seed) => startRun(one, `tokens=300 rate=300 seed=${seed}`)),
  );
  const live = await Promise.all(runs.flatMap(({ stream }) => [readRun(one, stream), readRun(two, stream)]));
  const late = await Promise.all(runs.map(({ stream }) => readRun(two, stream)));
  for (const report of [...live, ...late]) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, status: "stream-end" });
    expect(report.end).toMatchObject({ reason: "stop", sha256: report.sha256 });
  }
});

test("with --recover continue another node goes on with what a killed one was saying, and each reader has the whole text", async () => {
  const nodes = await Promise.all([1, 2, 3].map(() => startNode(["--recover", "continue"])));
  const [one, two, three] = nodes as [ServerProcess, ServerProcess, ServerProcess]; // as many as were started
  // Each has been there for longer than it is judged.
  await wait(4_500);
  const runs = await Promise.all(
    Array.from({ length: 12 }, (_, seed) => startRun(one, `tokens=400 rate=60 seed=${seed}`)),
  );
  const { chat } = await post<{ chat: string }>(two, "/v1/chats");
  await post(one, `/v1/chats/${chat}/messages`, { text: "tokens=400 rate=60 seed=99", model: "script" });
  let events = 0;
  const reading = runs.flatMap(({ stream }) => [
    readRun(two, stream, () => events++),
    readRun(three, stream),
  ]);
  await expect.poll(() => events).toBeGreaterThan(300);
  one.kill("SIGKILL");
  const texts = runs.map((_, seed) => [...scriptTokens({ tokens: 400, seed })].join(""));
  for (const [index, report] of (await Promise.all(reading)).entries()) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, connections: 1 });
    expect(report.end).toMatchObject({ reason: "stop", sha256: report.sha256 });
    expect(report.text).toBe(texts[Math.floor(index / 2)]);
  }
  await expect
    .poll(async () => (await (await fetch(`${three.url}/v1/chats/${chat}`)).json()) as object)
    .toMatchObject({
      messages: [
        {},
        { text: [...scriptTokens({ tokens: 400, seed: 99 })].join(""), end: { reason: "stop" } },
      ],
    });
});

test("with --recover continue a node that is stopped hands its runs over", async () => {
  const args = ["--recover", "continue", "--drain", "1"];
  const [one, two] = await Promise.all([startNode(args), startNode(args)]);
  const { stream } = await startRun(one, "tokens=200 rate=40 seed=3");
  let events = 0;
  const reading = readRun(two, stream, () => events++);
  await expect.poll(() => events).toBeGreaterThan(10);
  one.kill("SIGTERM");
  expect(await one.exit).toBe(0);
  const report = await reading;
  expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, connections: 1, end: { reason: "stop" } });
  expect(report.text).toBe([...scriptTokens({ tokens: 200, seed: 3 })].join(""));
});

test("a Redis that restarts under 20 runs loses and doubles nothing, and no reader is cut", async () => {
  const [one, two] = await Promise.all([startNode(), startNode()]);
  const runs = await Promise.all(
    Array.from({ length: 20 }, (_, seed) => startRun(one, `tokens=600 rate=200 seed=${seed}`)),
  );
  const reading = runs.map(({ stream }) => readRun(two, stream));
  for (const away of [100, 1_000]) {
    await wait(700);
    await redis().kill();
    await wait(away);
    await redis().start();
  }
  for (const report of await Promise.all(reading)) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, connections: 1 });
    expect(report.end).toMatchObject({ reason: "stop", sha256: report.sha256 });
  }
});

test("while Redis is away a reader that comes is told to come back, and starts are refused as retryable", async () => {
  const one = await startNode();
  await post(one, "/v1/streams/scores", { type: "score" });
  await redis().kill();
  const headers = { accept: "text/event-stream" };
  // At the same time: each of them waits for Redis as long as it may.
  const [reader, start, ready] = await Promise.all([
    fetch(`${one.url}/v1/streams/scores`, { headers }),
    fetch(`${one.url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "tokens=5", model: "script" }),
    }),
    fetch(`${one.url}/readyz`),
  ]);
  expect(reader.status).toBe(200);
  expect(await reader.text()).toMatch(/^retry: \d+\n\n$/);
  expect(start.status).toBe(503);
  expect(await start.json()).toMatchObject({ error: { code: "log-unavailable", retryable: true } });
  expect(ready.status).toBe(503);
  await redis().start();
  await expect.poll(async () => (await fetch(`${one.url}/readyz`)).status).toBe(200);
});

test("signals and presence reach the readers of other nodes", async () => {
  const [one, two] = await Promise.all([startNode(), startNode()]);
  const abort = new AbortController();
  const response = await fetch(`${two.url}/v1/streams?listen=desk`, {
    headers: { accept: "text/event-stream" },
    signal: abort.signal,
  });
  let body = "";
  const reading = (async () => {
    for await (const piece of response.body ?? []) body += Buffer.from(piece).toString();
  })().catch(() => undefined);
  await post(one, "/v1/signals/desk", { kind: "typing", data: { name: "Ada" } });
  await post(one, "/v1/presence/desk", { data: { name: "Ada" } });
  await expect.poll(() => body).toContain('event: signal\ndata: {"stream":"desk","kind":"typing"');
  await expect.poll(() => body).toMatch(/event: presence\ndata: .*"count":1/);
  abort.abort();
  await reading;
});

test("SIGTERM drains: not ready at once, readers move over the window, runs end by themselves, exit 0", async () => {
  const [one, two] = await Promise.all([startNode(["--drain", "2", "--grace", "30"]), startNode()]);
  const { stream } = await startRun(one, "tokens=600 rate=50 seed=1");
  const moved = await startCuttingProxy({ target: Number(new URL(one.url).port) });
  keep(moved);
  const readers = Array.from({ length: 20 }, () =>
    readStream({
      url: `http://127.0.0.1:${moved.port}/v1/streams/${stream}`,
      kind: "chat",
      reconnectMs: "as-told",
    }),
  );
  await expect.poll(() => moved.connections).toBe(20);
  // Whoever comes back comes back to the other, as it would through what looks at /readyz.
  moved.setTarget(Number(new URL(two.url).port));
  one.kill("SIGTERM");
  await expect.poll(async () => (await fetch(`${one.url}/readyz`)).status).toBe(503);
  const start = await fetch(`${one.url}/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ prompt: "tokens=5", model: "script" }),
  });
  expect(start.status).toBe(503);
  expect(await start.json()).toMatchObject({ error: { code: "draining", retryable: true } });
  for (const report of await Promise.all(readers)) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, connections: 2 });
    expect(report.end).toMatchObject({ reason: "stop", sha256: report.sha256 });
  }
  expect(await one.exit).toBe(0);
});

test("what does not end within the grace ends as interrupted; a second signal ends the process now", async () => {
  const [one, two] = await Promise.all([startNode(["--drain", "1"]), startNode()]);
  const { stream } = await startRun(one, "tokens=5000 rate=20 seed=1");
  one.kill("SIGTERM");
  expect(await readRun(two, stream)).toMatchObject({ gaps: 0, doubles: 0, end: { reason: "interrupted" } });
  expect(await one.exit).toBe(0);
  await startRun(two, "tokens=5000 rate=20 seed=1");
  const begun = performance.now();
  two.kill("SIGTERM");
  // Two signals that come at the same time are one.
  await expect.poll(async () => (await fetch(`${two.url}/readyz`)).status).toBe(503);
  two.kill("SIGTERM");
  expect(await two.exit).toBe(130);
  expect(performance.now() - begun).toBeLessThan(5_000);
});

test("a Redis that lost everything is never silent: readers of a feed are reset, and a run ends for its readers", async () => {
  await using forgetful = await startRedis();
  const [one, two] = await Promise.all([
    startServerProcess({ args: ["--log", forgetful.url] }),
    startServerProcess({ args: ["--log", forgetful.url] }),
  ]);
  keep(one);
  keep(two);
  for (let n = 1; n <= 3; n++) await post(one, "/v1/streams/scores", { n });
  const abort = new AbortController();
  const seen: unknown[] = [];
  const feed = readStream({
    url: `${two.url}/v1/streams/scores`,
    kind: "log",
    onEvent: (event) => seen.push(event["n"]),
    signal: abort.signal,
  });
  const { stream } = await startRun(one, "tokens=2000 rate=50 seed=1");
  let events = 0;
  const run = readRun(two, stream, () => events++);
  await expect.poll(() => events).toBeGreaterThan(5);
  await forgetful.kill();
  await forgetful.start();
  // Its stream is gone, which a reader that comes back is told by 204.
  expect(await run).toMatchObject({ gaps: 0, doubles: 0, status: 204 });
  await expect
    .poll(() =>
      post(one, "/v1/streams/scores", { n: 100 }).then(
        () => true,
        () => false,
      ),
    )
    .toBe(true);
  await expect.poll(() => seen.at(-1)).toBe(100);
  abort.abort();
  expect(await feed).toMatchObject({ gaps: 0, doubles: 0, resets: 1, events: [{ n: 100 }] });
});
