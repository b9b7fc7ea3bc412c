import OpenAI from "openai";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Log } from "../../../src/log/log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { StreamError } from "../../../src/protocol/error.ts";
import { EVENTS, blocks, gate, readUntil } from "../../support/app.ts";
import { asked, chunksOf, startFace, streamed, textOf } from "../../support/openai-face.ts";
import type { Chunk, TestFace } from "../../support/openai-face.ts";
import { readLines } from "../../support/openai-lines.ts";

let app: TestFace;
beforeEach(async () => {
  app = await startFace();
});
afterEach(() => app[Symbol.asyncDispose]());

test("who breaks off a stream ends its run, and the model is told to stop", async () => {
  app.answerSlowly();
  const { data, response } = await app.client.chat.completions.create(streamed).withResponse();
  for await (const { choices } of data) if (choices[0]?.delta.content === "Hello") break;
  await expect.poll(() => app.told.aborts).toBe(1);
  const run = response.headers.get("x-millrace-run");
  await expect
    .poll(() => app.runState(run))
    .toMatchObject({ status: "ended", reason: "cancelled", text: "Hello" });
});

test("who aborts before the first token ends its run", async () => {
  app.told.answer = async function* (_, signal) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield { type: "finish", reason: "stop" };
  };
  const stream = await app.client.chat.completions.create(streamed);
  expect(app.told.calls).toHaveLength(1);
  stream.controller.abort();
  await expect.poll(() => app.told.aborts).toBe(1);
});

test("who aborts a request that does not stream ends its run", async () => {
  app.answerSlowly();
  const controller = new AbortController();
  const asking = app.client.chat.completions.create(asked, { signal: controller.signal });
  await expect.poll(() => app.told.calls.length).toBe(1);
  controller.abort();
  await expect(asking).rejects.toBeInstanceOf(OpenAI.APIUserAbortError);
  await expect.poll(() => app.told.aborts).toBe(1);
  await expect.poll(() => app.server.runner.openRuns).toBe(0);
});

test("a run whose answer cannot begin is stopped", async () => {
  const memory = createMemoryLog();
  let isAway = true;
  const log: Log = {
    ...memory,
    read(...call) {
      if (!isAway || !call[0].startsWith("runs/")) return memory.read(...call);
      isAway = false;
      return Promise.reject(new StreamError("log-unavailable", "The log is away."));
    },
  };
  await using face = await startFace({ log });
  face.answerSlowly();
  expect((await face.post(streamed)).status).toBe(503);
  await expect.poll(() => face.told.aborts).toBe(1);
});

test.each(["1", "true"])("with X-Millrace-Persist: %s the run goes on, streamed or not", async (value) => {
  const go = app.answerSlowly();
  const headers = { "X-Millrace-Persist": value };
  const { data, response } = await app.client.chat.completions.create(streamed, { headers }).withResponse();
  for await (const { choices } of data) if (choices[0]?.delta.content === "Hello") break;
  const controller = new AbortController();
  const keyed = { ...headers, "Idempotency-Key": "k" };
  const asking = app.post(asked, keyed, controller.signal);
  await expect.poll(() => app.told.calls.length).toBe(2);
  controller.abort();
  await expect(asking).rejects.toThrow();
  await vi.waitFor(() => expect(app.server.readers).toBe(0));
  expect(app.server.runner.openRuns).toBe(2);
  go.open();
  await expect.poll(() => app.server.runner.openRuns).toBe(0);
  expect(await app.runState(response.headers.get("x-millrace-run"))).toMatchObject({
    reason: "stop",
    text: "Hello again",
  });
  const whole = await app.post(asked, keyed);
  expect(await whole.json()).toMatchObject({ choices: [{ message: { content: "Hello again" } }] });
});

test("a stream that was cut off goes on at the run's own stream, after the last id", async () => {
  const go = app.answerSlowly();
  const response = await app.post(streamed, { "X-Millrace-Persist": "1" });
  const seen = await readUntil(response, "Hello");
  const cursor = blocks(seen).at(-1)?.["id"] ?? "";
  go.open();
  const rest = await app.ask(`/v1/streams/runs/${response.headers.get("x-millrace-run")}`, {
    headers: { ...EVENTS, "last-event-id": cursor },
  });
  const body = await rest.text();
  expect(body).toContain('"text":" again"');
  expect(body).not.toContain('"Hello"');
});

test("or at the same endpoint, with the same key: no token is missing, none comes twice", async () => {
  const go = app.answerSlowly();
  const headers = { "X-Millrace-Persist": "1", "Idempotency-Key": "k" };
  const seen = await readUntil(await app.post(streamed, headers), "Hello");
  go.open();
  const cursor = blocks(seen).at(-1)?.["id"] ?? "";
  const rest = await app.post(streamed, { ...headers, "Last-Event-ID": cursor });
  expect(rest.headers.get("idempotency-replayed")).toBe("true");
  const { data, isDone } = readLines(await rest.text());
  const deltas = (data as Chunk[]).map(({ choices }) => choices[0]?.delta);
  expect(deltas).toEqual([{ content: " again" }, {}]);
  expect(isDone).toBe(true);
  expect(app.told.calls).toHaveLength(1);
});

test("a cursor starts nothing, and one that is not honoured is not passed over in silence", async () => {
  const alone = await app.post(streamed, { "Last-Event-ID": "abcdefgh.1" });
  expect(alone.status).toBe(404);
  expect(app.told.calls).toEqual([]);
  const headers = { "Idempotency-Key": "k" };
  await (await app.post(streamed, headers)).text();
  const foreign = await app.post(streamed, { ...headers, "Last-Event-ID": "abcdefgh.1" });
  expect(foreign.status).toBe(400);
  expect(await foreign.json()).toMatchObject({ error: { code: "invalid-cursor" } });
});

test("the same key is the same answer, streamed or not", async () => {
  const headers = { "Idempotency-Key": "k" };
  const first = await app.client.chat.completions.create(asked, { headers });
  const second = await app.client.chat.completions.create(asked, { headers });
  expect(second).toEqual(first);
  expect(app.told.calls).toHaveLength(1);
  const streams = await Promise.all(
    [1, 2].map(async () => chunksOf(await app.post(streamed, { "Idempotency-Key": "s" }))),
  );
  // Neighbouring deltas of one who came later may be merged.
  const [one, two] = streams.map((chunks) => ({
    ids: [...new Set(chunks.map(({ id }) => id))],
    text: textOf(chunks),
  }));
  expect(one).toEqual({ ids: [expect.any(String)], text: "Hello there" });
  expect(two).toEqual(one);
  expect(app.told.calls).toHaveLength(2);
});

test("who joins an answer and leaves does not end it", async () => {
  const go = app.answerSlowly();
  const headers = { "Idempotency-Key": "k" };
  const first = await app.post(streamed, headers);
  await readUntil(await app.post(streamed, headers), "Hello");
  await vi.waitFor(() => expect(app.server.readers).toBe(1));
  expect(app.server.runner.openRuns).toBe(1);
  go.open();
  expect(await first.text()).toContain(" again");
});

test("an answer that was cancelled is not replayed as if it were whole", async () => {
  app.answerSlowly();
  const headers = { "Idempotency-Key": "k" };
  await readUntil(await app.post(streamed, headers), "Hello");
  await expect.poll(() => app.server.runner.openRuns).toBe(0);
  const response = await app.post(streamed, headers);
  expect(response.status).toBe(409);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await response.json()).toMatchObject({ error: { code: "run-ended" } });
});

test("a retryable failure under a key is not to be repeated with that key", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    throw new StreamError("provider-failed", "The model broke off.");
  };
  const free = await app.post(asked);
  expect([free.status, free.headers.get("x-should-retry")]).toEqual([502, "true"]);
  const bound = await app.post(asked, { "Idempotency-Key": "k" });
  expect([bound.status, bound.headers.get("x-should-retry")]).toEqual([502, "false"]);
});

test("an answer that takes longer than a connection's age is whole all the same", async () => {
  await using old = await startFace({ hub: { heartbeatMs: 60, maxAgeMs: 60 } });
  const { opened, open } = gate();
  old.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    await opened;
    yield { type: "text", text: " there" };
    yield { type: "finish", reason: "stop" };
  };
  const reading = (await old.post(streamed)).text();
  // Readers of the same age have been sent away meanwhile.
  const aged = await fetch(`${old.url}/v1/streams/tests/none?live=1`);
  await aged.text();
  open();
  const body = await reading;
  expect(body).toContain(" there");
  expect(body.trimEnd().endsWith("data: [DONE]")).toBe(true);
});
