import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { EVENTS, blocks, gate, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
const onFault = vi.fn();
beforeEach(async () => {
  onFault.mockClear();
  app = await startApp({ runner: { onFault } });
});
afterEach(async () => {
  vi.useRealTimers();
  await app[Symbol.asyncDispose]();
});

const url = "/stream?prompt=Why%3F";

function get(path: string, lastEventId?: string): Promise<Response> {
  return app.ask(path, {
    headers: { ...EVENTS, ...(lastEventId !== undefined && { "last-event-id": lastEventId }) },
  });
}

function text(body: string): string {
  return blocks(body)
    .filter((block) => block["event"] === undefined && block["data"] !== undefined)
    .map((block) => (JSON.parse(block["data"] ?? "") as { text: string }).text)
    .join("");
}

function end(body: string): Record<string, unknown> {
  const block = blocks(body).find(({ event }) => event === "end");
  return JSON.parse(block?.["data"] ?? "{}") as Record<string, unknown>;
}

function runOf(body: string): string {
  return (JSON.parse(blocks(body)[0]?.["data"] ?? "") as { run: string }).run;
}

test("ten parallel GETs of one URL are one call and ten equal answers", async () => {
  const bodies = await Promise.all(Array.from({ length: 10 }, async () => (await get(url)).text()));
  expect(app.told.calls).toHaveLength(1);
  expect(new Set(bodies.map(runOf)).size).toBe(1);
  for (const body of bodies) {
    expect(text(body)).toBe("Hello there");
    expect(end(body)).toMatchObject({ reason: "stop", sha256: expect.stringMatching(/^[0-9a-f]{64}$/) });
  }
});

test("the request that started a run is known with it, and no later one", async () => {
  const named = (id: string) => app.ask(url, { headers: { ...EVENTS, "x-request-id": id } });
  const run = runOf(await (await named("first-0001")).text());
  await (await named("second-0001")).text();
  const found = (await (await app.ask(`/v1/inspect?find=${run}`)).json()) as { runs: object[] };
  expect(found.runs).toMatchObject([{ run, request: "first-0001" }]);
});

test("ten parallel POSTs with one key are one call and ten equal answers", async () => {
  const headers = { "idempotency-key": "k" };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => app.send("POST", "/v1/runs", { prompt: "Why?" }, headers)),
  );
  expect(new Set(await Promise.all(answers.map((answer) => answer.text()))).size).toBe(1);
  expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 202));
  expect(app.told.calls).toHaveLength(1);
  expect((await app.send("POST", "/v1/runs", { prompt: "Other" }, headers)).status).toBe(422);
});

test("who comes back gets the rest, then 204", async () => {
  const whole = await (await get(url)).text();
  // The start of the run stands at 1, the first delta at 2.
  const cursor = `${blocks(whole)[0]?.["id"]?.split(".")[0]}.2`;
  const rest = await (await get(url, cursor)).text();
  expect(JSON.parse(blocks(rest)[0]?.["data"] ?? "")).toMatchObject({ status: "resumed", from: cursor });
  expect(text(rest)).toBe(" there");
  expect((await get(url, blocks(whole).at(-1)?.["id"])).status).toBe(204);
  expect(app.told.calls).toHaveLength(1);
});

test("a request with a cursor never starts anything", async () => {
  for (const cursor of ["aaaaaaaa.0", "refused", "nonsense"])
    expect((await get(url, cursor)).status).toBe(204);
  await (await get("/stream?prompt=Other")).text();
  const foreign = blocks(await (await get("/stream?prompt=Other")).text())[0]?.["id"];
  expect((await get(url, foreign)).status).toBe(204);
  expect(app.told.calls).toHaveLength(1);
});

test("another key is a fresh answer", async () => {
  const first = await (await get(url)).text();
  const second = await (await get(`${url}&key=2`)).text();
  expect(runOf(second)).not.toBe(runOf(first));
  expect(app.told.calls).toHaveLength(2);
});

test("the URL names the run until 10 minutes after its last reader left, then a new one", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: 1_000_000_000 });
  await app[Symbol.asyncDispose]();
  app = await startApp();
  const first = runOf(await (await get(url)).text());
  await vi.waitFor(() => expect(app.server.readers).toBe(0));
  vi.setSystemTime(1_000_000_000 + 9 * 60_000);
  expect(runOf(await (await get(url)).text())).toBe(first);
  await vi.waitFor(() => expect(app.server.readers).toBe(0));
  await new Promise((resolve) => setImmediate(resolve));
  // The reader of just now has put it off.
  vi.setSystemTime(1_000_000_000 + 18 * 60_000);
  expect(runOf(await (await get(url)).text())).toBe(first);
  await vi.waitFor(() => expect(app.server.readers).toBe(0));
  await new Promise((resolve) => setImmediate(resolve));
  vi.setSystemTime(1_000_000_000 + 29 * 60_000);
  expect(runOf(await (await get(url)).text())).not.toBe(first);
  expect(app.told.calls).toHaveLength(2);
});

test("a run goes on when its reader leaves, and the URL still names it", async () => {
  const go = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    await go.opened;
    yield { type: "text", text: " again" };
    yield { type: "finish", reason: "stop" };
  };
  await readUntil(await get(url), "Hello");
  go.open();
  const body = await (await get(url)).text();
  expect(text(body)).toBe("Hello again");
  expect(app.told).toMatchObject({ calls: { length: 1 }, aborts: 1 });
});

test("stop works before the first token, twice and long after, and all get the end that won", async () => {
  const go = gate();
  app.told.answer = async function* () {
    await go.opened;
    yield { type: "text", text: "too late" };
    yield { type: "finish", reason: "stop" };
  };
  const reading = await get(url);
  const body = readUntil(reading, "event: end");
  await expect.poll(() => app.told.calls.length).toBe(1);
  const run = ((await (await app.send("POST", "/v1/runs", { prompt: "x" })).json()) as { run: string }).run;
  const stop = async (id: string) => (await app.send("POST", `/v1/runs/${id}/stop`, {})).json();
  const first = await stop(run);
  expect(first).toMatchObject({ reason: "cancelled", run });
  expect(await stop(run)).toEqual(first);
  const opened = app.server.runner.openRuns;
  expect(opened).toBe(1);
  go.open();
  expect(text(await body)).toBe("too late");
  expect(await (await app.ask(`/v1/runs/${run}`)).json()).toMatchObject({
    status: "ended",
    reason: "cancelled",
    text: "",
  });
  const done = runOf(await (await get("/stream?prompt=Third")).text());
  expect(await stop(done)).toMatchObject({ reason: "stop" });
});

test("stop in the middle keeps what was written, and aborts the provider", async () => {
  app.told.answer = async function* (_, signal) {
    yield { type: "text", text: "Hello" };
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield { type: "text", text: " late" };
  };
  const body = (await get(url)).text();
  await expect.poll(() => app.told.calls.length).toBe(1);
  await readUntil(await get(url), "Hello");
  const { run } = JSON.parse(blocks(await readUntil(await get(url), "Hello"))[0]?.["data"] ?? "") as {
    run: string;
  };
  await app.send("POST", `/v1/runs/${run}/stop`, {});
  expect(text(await body)).toBe("Hello");
  expect(end(await body)).toMatchObject({ reason: "cancelled" });
  expect(app.told.aborts).toBe(1);
});

test.each([
  ["no prompt", "/stream?prompt=", "invalid-request"],
  ["an unknown parameter", "/stream?prompt=x&modle=y", "invalid-request"],
  ["an unknown model", "/stream?prompt=x&model=tolt", "unknown-model"],
])("%s is said in the stream, and the browser is quiet afterwards", async (_, path, code) => {
  const response = await get(path);
  expect(response.status).toBe(200);
  const body = await response.text();
  expect(end(body)).toMatchObject({ reason: "error", error: { code } });
  expect((await get(path, blocks(body)[0]?.["id"])).status).toBe(204);
});

test("a provider that fails ends the run with an error, and what it wrote is kept", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    throw new Error("boom, with a secret");
  };
  const body = await (await get(url)).text();
  expect(text(body)).toBe("Hello");
  expect(end(body)).toMatchObject({ reason: "error", error: { code: "provider-failed" } });
  expect(body).not.toContain("secret");
  expect(onFault).toHaveBeenCalledExactlyOnceWith(
    expect.objectContaining({
      run: runOf(body),
      error: expect.objectContaining({ message: "boom, with a secret" }),
    }),
  );
});
