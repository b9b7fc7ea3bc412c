import { readFileSync } from "node:fs";
import perfHooks from "node:perf_hooks";
import {
  InMemorySpanExporter,
  BasicTracerProvider,
  SimpleSpanProcessor,
} from "@opentelemetry/sdk-trace-base";
import { trace } from "@opentelemetry/api";
import { afterAll, expect, test, vi } from "vitest";
import { createLogger } from "../src/server.ts";
import { createMemoryLog } from "../src/log/memory.ts";
import { answerSlowly, startApp } from "./support/app.ts";
import type { TestServer } from "./support/app.ts";

const spans = new InMemorySpanExporter();
trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] }));
afterAll(() => trace.disable());

function read(path: string): string {
  return readFileSync(new URL(`../docs/${path}`, import.meta.url), "utf8");
}

async function figuresOf(app: TestServer): Promise<Map<string, number>> {
  const text = await (await app.ask("/metrics")).text();
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(
    lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.slice(line.lastIndexOf(" ")))]),
  );
}

test("what happened is in /metrics: readers, events, runs by reason, first tokens and what clients report", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/news", [{ n: 1 }, { n: 2 }]);
  const reader = (await app.ask("/v1/streams/news?live=1")).body?.getReader();
  await reader?.read();
  const { run } = (await (await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" })).json()) as {
    run: string;
  };
  await expect
    .poll(async () => (await figuresOf(app)).get('millrace_runs_ended_total{reason="stop"}'))
    .toBe(1);
  expect((await app.send("POST", "/v1/reports", { gaps: 2, doubles: 1 })).status).toBe(204);
  // Until it has read, the reader is behind.
  await expect
    .poll(async () => (await figuresOf(app)).get('millrace_reader_lag_events_bucket{le="0"}'))
    .toBe(1);
  const figures = await figuresOf(app);
  expect(run).not.toBe("");
  expect(figures.get('millrace_readers{transport="web"}')).toBe(1);
  expect(figures.get("millrace_readers_total")).toBe(1);
  expect(figures.get("millrace_events_in_total")).toBeGreaterThanOrEqual(5);
  expect(figures.get("millrace_bytes_in_total")).toBeGreaterThan(14);
  expect(figures.get("millrace_replayed_bytes_total")).toBeGreaterThan(14);
  expect(figures.get("millrace_run_first_token_seconds_count")).toBe(1);
  expect(figures.get("millrace_run_deltas_total")).toBe(2);
  expect(figures.get("millrace_log_append_seconds_count")).toBeGreaterThanOrEqual(1);
  expect(figures.get("millrace_client_gaps_total")).toBe(2);
  expect(figures.get("millrace_client_doubles_total")).toBe(1);
  expect(figures.get("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThanOrEqual(0);
  // A scrape counts what is, not what was counted by the one before.
  expect((await figuresOf(app)).get("millrace_readers_total")).toBe(1);
  await reader?.cancel();
});

test("servers that come and go in one process leave no watch over it behind, however many were asked", async () => {
  const watch = vi.spyOn(perfHooks, "monitorEventLoopDelay");
  for (let n = 0; n < 3; n++) {
    await using app = await startApp();
    expect((await figuresOf(app)).get("nodejs_eventloop_lag_p99_seconds")).toBeGreaterThanOrEqual(0);
  }
  expect(watch.mock.calls.length).toBeLessThanOrEqual(1);
  watch.mockRestore();
});

test("who takes nothing is behind, with its lag, and is counted when it is cut", async () => {
  await using app = await startApp();
  const figure = async (name: string) => (await figuresOf(app)).get(name);
  const behind = await app.ask("/v1/streams/news?live=1");
  expect(await figure("millrace_readers_behind")).toBe(0);
  const large = Array.from({ length: 40 }, (_, n) => ({ n, text: "x".repeat(50_000) }));
  for (const event of large) expect((await app.send("POST", "/v1/streams/news", event)).status).toBe(201);
  await expect.poll(() => figure("millrace_readers_behind")).toBe(1);
  // It lacks more than 10 of the 40, and not more than 100.
  await expect.poll(() => figure('millrace_reader_lag_events_bucket{le="10"}')).toBe(0);
  expect(await figure('millrace_reader_lag_events_bucket{le="100"}')).toBe(1);
  expect(await figure("millrace_readers_stalled_total")).toBe(0);
  await behind.body?.cancel();

  await using impatient = await startApp({ hub: { heartbeatMs: 60, stallMs: 60 } });
  for (const event of large) await impatient.send("POST", "/v1/streams/news", event);
  const stuck = await impatient.ask("/v1/streams/news?live=1");
  await expect.poll(async () => (await figuresOf(impatient)).get("millrace_readers_stalled_total")).toBe(1);
  await stuck.body?.cancel().catch(() => {}); // it was cut
});

test("what goes out over a socket is counted, and so is a run while it is open and how fast it spoke", async () => {
  await using app = await startApp();
  const url = await app.server.listen(0);
  const go = answerSlowly(app.told);
  const started = await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" });
  const { stream } = (await started.json()) as { stream: string };
  const reader = (await fetch(`${url}/v1/streams/${stream}?live=1`)).body?.getReader();
  await reader?.read();
  await expect.poll(async () => (await app.ask(`/v1/streams/${stream}`)).text()).toContain("Hello");
  const open = await figuresOf(app);
  expect(open.get('millrace_readers{transport="socket"}')).toBe(1);
  expect(open.get("millrace_runs_open")).toBe(1);
  expect(open.get("millrace_bytes_out_total")).toBeGreaterThan(100);
  const at = Date.now();
  await expect.poll(() => Date.now() - at).toBeGreaterThan(5);
  go.open();
  await expect.poll(async () => (await figuresOf(app)).get("millrace_runs_open")).toBe(0);
  const ended = await figuresOf(app);
  for (const name of [
    "first_token_seconds",
    "duration_seconds",
    "tokens_per_second",
    "token_interval_seconds",
  ])
    expect([name, ended.get(`millrace_run_${name}_count`)]).toEqual([name, 1]);
  const interval = ended.get("millrace_run_token_interval_seconds_sum") ?? 0;
  expect(interval).toBeGreaterThanOrEqual(0.005);
  expect(ended.get("millrace_run_tokens_per_second_sum")).toBeCloseTo(1 / interval, 5);
  await expect
    .poll(async () => (await figuresOf(app)).get("millrace_bytes_out_total"))
    .toBeGreaterThan(open.get("millrace_bytes_out_total") ?? Infinity);
  await reader?.cancel();
});

test("a reader that comes back with a cursor is a reconnect, and one whose cursor is unknown a reset", async () => {
  await using app = await startApp();
  const { cursor } = (await (await app.send("POST", "/v1/streams/news", { n: 1 })).json()) as {
    cursor: string;
  };
  const readers = await Promise.all(
    [cursor, "unknownxyz.5"].map((id) =>
      app.ask("/v1/streams/news?live=1", { headers: { "last-event-id": id } }),
    ),
  );
  const figures = await figuresOf(app);
  expect(figures.get("millrace_reconnects_total")).toBe(1);
  expect(figures.get("millrace_resets_total")).toBe(1);
  for (const { body } of readers) await body?.cancel();
});

test("a report that is no count is refused", async () => {
  await using app = await startApp();
  for (const body of [{ gaps: -1 }, { gaps: 1e9 }, { gaps: "1" }, { holes: 1 }])
    expect((await app.send("POST", "/v1/reports", body)).status).toBe(400);
});

test("the dashboard and the guide name the figures that there are, and all of them", async () => {
  await using app = await startApp();
  const text = await (await app.ask("/metrics")).text();
  const there = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name));
  const dashboard = JSON.parse(read("grafana.json")) as { panels: { targets: { expr: string }[] }[] };
  const expressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)).join("\n");
  const shown = new Set(
    [...expressions.matchAll(/\b(?:millrace|nodejs|process)_\w+/g)].map(([name]) =>
      name.replace(/_bucket$/, ""),
    ),
  );
  expect([...shown].filter((name) => !there.has(name))).toEqual([]);
  const ours = [...there].filter((name) => name?.startsWith("millrace_"));
  expect(ours.filter((name) => !shown.has(name ?? ""))).toEqual(["millrace_info"]);
  const told = new Set(
    [...read("guide/operating.md").matchAll(/^\| `(millrace_\w+)`/gm)].map(([, name]) => name),
  );
  expect(told).toEqual(new Set(ours));
});

test("a request's id goes into the answer, the log of its run and the span; one that is too odd is replaced", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: "debug",
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  await using app = await startApp({ logger });
  spans.reset();
  const start = (id: string) =>
    app.send("POST", "/v1/runs", { prompt: "my secret", model: "told" }, { "x-request-id": id });
  const response = await start("proxy-12345678");
  expect(response.headers.get("x-request-id")).toBe("proxy-12345678");
  for (const id of ["short", "a".repeat(129), "with space here"])
    expect((await start(id)).headers.get("x-request-id")).toMatch(/^req_[0-9a-f]{32}$/);
  await expect.poll(() => lines.filter(({ msg }) => msg === "run ended").length).toBe(4);
  expect(lines.find(({ msg }) => msg === "run ended")).toMatchObject({
    request: "proxy-12345678",
    reason: "stop",
    deltas: 2,
  });
  expect(JSON.stringify(lines)).not.toContain("my secret");
  const span = spans
    .getFinishedSpans()
    .find(({ attributes }) => attributes["millrace.request"] === "proxy-12345678");
  expect(span).toMatchObject({
    name: "chat told",
    attributes: { "millrace.reason": "stop" },
    events: [{ name: "first token" }],
  });
});

async function* source() {
  yield "Hello";
}

test("the run that a chat's command starts has the request's id, with a key or without, and so has one of server code", async () => {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({
    level: "info",
    write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>),
  });
  await using app = await startApp({ logger });
  const { chat } = (await (await app.send("POST", "/v1/chats", {})).json()) as { chat: string };
  const overs = () => lines.filter(({ msg }) => msg === "run ended").map(({ request }) => request);
  const say = async (command: string, body: object, id: string, headers = {}) => {
    const asked = { model: "told", ...body };
    const path = `/v1/chats/${chat}/${command}`;
    expect((await app.send("POST", path, asked, { "x-request-id": id, ...headers })).status).toBe(202);
    await expect.poll(overs).toContain(id);
  };
  await say("messages", { text: "Hi" }, "message-no-key");
  await say("messages", { text: "Hi" }, "message-with-key", { "idempotency-key": "k1" });
  await say("regenerate", {}, "regenerate-no-key");
  await app.server.run(source(), { request: "code-alone" });
  await app.server.run(source(), { request: "code-in-chat", chat, prompt: "And?" });
  await expect.poll(overs).toEqual(expect.arrayContaining(["code-alone", "code-in-chat"]));
});

test("what a provider throws is in the log, with its run and request, and not in the answer", async () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  await using app = await startApp({ logger: createLogger({ write }) });
  app.told.answer = async function* () {
    yield { type: "text", text: "Half" };
    throw new TypeError("no such host: models.internal");
  };
  const headers = { "x-request-id": "request-that-fails" };
  const response = await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" }, headers);
  const { run, stream } = (await response.json()) as { run: string; stream: string };
  await expect
    .poll(() => lines.find(({ msg }) => msg === "a provider failed"))
    .toMatchObject({
      level: "error",
      run,
      request: "request-that-fails",
      err: { type: "TypeError", message: "no such host: models.internal" },
    });
  await expect.poll(async () => (await app.ask(`/v1/streams/${stream}`)).text()).toContain("provider-failed");
  expect(await (await app.ask(`/v1/streams/${stream}`)).text()).not.toContain("models.internal");
});

test("what a tool throws, and what a provider says of itself, is in the log with its run and request", async () => {
  const lines: Record<string, unknown>[] = [];
  const write = (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>);
  const pay = { run: () => Promise.reject(new TypeError("no such host: bank.internal")) };
  await using app = await startApp({ logger: createLogger({ write }), tools: { pay } });
  app.told.answer = async function* ({ messages, warn }) {
    const isFirst = messages.length === 1;
    if (isFirst) warn?.("The model told is old.");
    if (isFirst) yield { type: "tool-call", call: "a", tool: "pay" };
    else yield { type: "text", text: "Sorry." };
    yield { type: "finish", reason: isFirst ? "tool-calls" : "stop" };
  };
  const headers = { "x-request-id": "request-with-tool" };
  const response = await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" }, headers);
  const { run, stream } = (await response.json()) as { run: string; stream: string };
  await expect
    .poll(async () => (await app.ask(`/v1/streams/${stream}`)).text(), { timeout: 60_000 })
    .toContain("message-end");
  const known = { run, stream, request: "request-with-tool" };
  expect(lines).toMatchObject([
    { level: "warn", msg: "The model told is old.", ...known },
    {
      level: "error",
      msg: "a tool failed",
      tool: "pay",
      err: { message: "no such host: bank.internal" },
      ...known,
    },
  ]);
  expect(await (await app.ask(`/v1/streams/${stream}`)).text()).not.toContain("bank.internal");
});

test("a run whose process is gone is counted, whether it is ended or goes on here, which is said", async () => {
  const logger = createLogger({ level: "silent" });
  for (const recovery of ["continue", "interrupted"] as const) {
    const log = createMemoryLog();
    const kept = { ...log, close: () => Promise.resolve() };
    await using owner = await startApp({ log: kept, logger, runner: { recovery } });
    answerSlowly(owner.told);
    const started = await owner.send("POST", "/v1/runs", { prompt: "Hi", model: "told" });
    const { run, stream } = (await started.json()) as { run: string; stream: string };
    await expect.poll(async () => (await owner.ask(`/v1/streams/${stream}`)).text()).toContain("Hello");
    const lines: string[] = [];
    const onTakenOver = vi.fn();
    // It takes the other for dead, as each that starts on a log of its own does.
    await using finder = await startApp({
      log: kept,
      logger: createLogger({ level: "info", write: (line) => lines.push(line) }),
      runner: { recovery, onTakenOver },
    });
    expect((await figuresOf(finder)).get("millrace_lease_expiries_total")).toBe(1);
    await expect
      .poll(async () => (await finder.ask(`/v1/streams/${stream}`)).text())
      .toContain(recovery === "continue" ? "message-continue" : "interrupted");
    const taken = recovery === "continue" ? [{ run, stream, model: "told" }] : [];
    expect(onTakenOver.mock.calls.flat()).toMatchObject(taken);
    const said = lines.filter((line) => line.includes("a run goes on here"));
    expect(said.map((line) => JSON.parse(line) as unknown)).toMatchObject(taken);
  }
});

test("an address in the log lacks what opens something, and what somebody wrote", async () => {
  const lines: string[] = [];
  await using app = await startApp({
    logger: createLogger({ level: "debug", write: (line) => lines.push(line) }),
  });
  await app.ask("/v1/streams?stream=a&ticket=TICKET1&%74icket=TICKET2&after=now");
  await app.ask("/stream?prompt=my%20secret&key=KEY1");
  const text = lines.join("");
  for (const secret of ["TICKET1", "TICKET2", "KEY1", "secret"]) expect(text).not.toContain(secret);
  expect(text).toContain("/v1/streams?stream=a&ticket=[redacted]");
  expect(text).toContain("after=now");
});

test("secrets among what is logged are redacted, at both levels", () => {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", write: (line) => lines.push(line) });
  logger.info(
    { authorization: "Bearer A1", headers: { cookie: "A2", authorization: "A3" }, prompt: "A4", fine: "B" },
    "x",
  );
  expect(lines.join("")).not.toMatch(/A\d/);
  expect(lines.join("")).toContain('"fine":"B"');
});
