import OpenAI from "openai";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { StreamError } from "../../../src/protocol/error.ts";
import { runStream } from "../../../src/protocol/names.ts";
import { gate, readUntil } from "../../support/app.ts";
import { asked, chunksOf, messages, startFace, streamed, textOf } from "../../support/openai-face.ts";
import type { Chunk, TestFace } from "../../support/openai-face.ts";
import { readLines } from "../../support/openai-lines.ts";

let app: TestFace;
beforeEach(async () => {
  app = await startFace();
});
afterEach(() => app[Symbol.asyncDispose]());

test("the package lists the models and finds one, also by an id with a slash", async () => {
  const list = await app.client.models.list();
  expect(list.data.map(({ id }) => id)).toContain("told");
  for (const model of list.data) {
    expect(model).toMatchObject({
      object: "model",
      created: expect.any(Number),
      owned_by: expect.any(String),
    });
    expect(Object.values(model), "open-webui takes a null name for one").not.toContain(null);
  }
  expect(await app.client.models.retrieve("told")).toMatchObject({ id: "told", object: "model" });
  expect(await app.client.models.retrieve("told/told")).toMatchObject({ id: "told" });
  expect(await (await fetch(`${app.url}/v1/models/told/told`)).json()).toMatchObject({ id: "told" });
});

test("our own members of the list stay, and the default is in it", async () => {
  const list = (await (await app.ask("/v1/models")).json()) as { data: { id: string }[]; default: string };
  expect(list.data.find(({ id }) => id === list.default)).toMatchObject({ origin: "test" });
});

test("a model that is not there is the package's NotFoundError, with the code it knows", async () => {
  const wanted = { status: 404, code: "model_not_found", param: "model", type: "invalid_request_error" };
  await expect(app.client.models.retrieve("nothing/here")).rejects.toMatchObject(wanted);
  const asking = app.client.chat.completions.create({ ...asked, model: "tolt" });
  await expect(asking).rejects.toBeInstanceOf(OpenAI.NotFoundError);
  await expect(app.client.chat.completions.create({ ...streamed, model: "tolt" })).rejects.toMatchObject(
    wanted,
  );
});

test("the package gets a whole answer", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    yield { type: "text", text: " there" };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 3, outputTokens: 2 } };
  };
  const { data, response, request_id } = await app.client.chat.completions.create(asked).withResponse();
  const run = response.headers.get("x-millrace-run");
  expect(data).toEqual({
    id: `chatcmpl-${run}`,
    object: "chat.completion",
    created: expect.any(Number),
    model: "told",
    choices: [
      {
        index: 0,
        message: { role: "assistant", content: "Hello there", refusal: null },
        logprobs: null,
        finish_reason: "stop",
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });
  expect(Math.abs(data.created - Date.now() / 1_000)).toBeLessThan(60);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(request_id).toMatch(/^req_[0-9a-f]{32}$/);
  expect(await app.runState(run)).toMatchObject({ status: "ended", text: "Hello there" });
});

test("a request without a model gets the default one", async () => {
  expect(await (await app.post({ messages })).json()).toMatchObject({ model: "told" });
});

test.each([
  ["length", "length"],
  ["stop", "stop"],
] as const)("the finish reason %s is said", async (reason, said) => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    yield { type: "finish", reason };
  };
  expect((await app.client.chat.completions.create(asked)).choices[0]?.finish_reason).toBe(said);
  const chunks = await chunksOf(await app.post(streamed));
  expect(chunks.at(-1)?.choices[0]).toMatchObject({ delta: {}, finish_reason: said });
});

test("a usage that nobody counted is left out, not made up", async () => {
  expect(await app.client.chat.completions.create(asked)).not.toHaveProperty("usage");
});

test("limits and sampling reach the model, and the newer limit wins", async () => {
  const sampling = { temperature: 0.5, top_p: 0.9, seed: 7 };
  await app.client.chat.completions.create({ ...asked, ...sampling, max_tokens: 5, stop: "END" });
  await app.post({ ...asked, max_tokens: 5, max_completion_tokens: 6, stop: ["A", "B"] });
  await app.post({
    ...asked,
    max_tokens: null,
    temperature: null,
    stop: null,
    n: null,
    stream: null,
    seed: null,
  });
  expect(app.told.calls[0]).toMatchObject({
    maxTokens: 5,
    sampling: { temperature: 0.5, topP: 0.9, seed: 7, stop: ["END"] },
  });
  expect(app.told.calls[1]).toMatchObject({ maxTokens: 6, sampling: { stop: ["A", "B"] } });
  expect(app.told.calls[2]).not.toHaveProperty("maxTokens");
  expect(app.told.calls[2]?.sampling ?? {}).toEqual({});
});

test("all roles and both forms of content reach the model as text", async () => {
  await app.client.chat.completions.create({
    model: "told",
    messages: [
      { role: "system", content: "Be short." },
      { role: "developer", content: [{ type: "text", text: "Be kind." }] },
      {
        role: "user",
        content: [
          { type: "text", text: "One" },
          { type: "text", text: "Two" },
        ],
      },
      {
        role: "assistant",
        content: null,
        tool_calls: [{ id: "c1", type: "function", function: { name: "f", arguments: "{}" } }],
      },
      { role: "tool", tool_call_id: "c1", content: "42" },
      { role: "assistant", content: "So it is 42." },
    ],
  });
  expect(app.told.calls[0]?.messages).toEqual([
    { role: "system", text: "Be short." },
    { role: "system", text: "Be kind." },
    { role: "user", text: "One\nTwo" },
    { role: "assistant", text: "", calls: [{ call: "c1", tool: "f", input: "{}" }] },
    { role: "tool", call: "c1", tool: "f", text: "42" },
    { role: "assistant", text: "So it is 42." },
  ]);
});

test("what is not known here is ignored: formats, and members of other servers", async () => {
  const response = await app.post({
    ...asked,
    n: 1,
    user: "u",
    tools: [{ type: "function", function: { name: "f" } }],
    tool_choice: "auto",
    parallel_tool_calls: false,
    response_format: { type: "json_object" },
    logit_bias: {},
    keep_alive: "5m",
    messages: [{ role: "user", name: "ann", content: [{ type: "text", text: "Hi", cache_control: {} }] }],
  });
  expect(response.status).toBe(200);
  expect(app.told.calls[0]?.messages).toEqual([{ role: "user", text: "Hi" }]);
});

test("10,000 messages are taken, and 10,001 are not", async () => {
  const many = Array.from({ length: 10_000 }, () => messages[0]);
  expect((await app.post({ ...asked, messages: many })).status).toBe(200);
  const response = await app.post({ ...asked, messages: [...many, messages[0]] });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ error: { code: "prompt-too-large", param: "messages" } });
});

test("1,000,000 characters are taken, and one more is not", async () => {
  const parts = Array.from({ length: 10 }, () => ({ role: "user", content: "x".repeat(100_000) }));
  expect((await app.post({ ...asked, messages: parts })).status).toBe(200);
  const response = await app.post({ ...asked, messages: [...parts, { role: "user", content: "x" }] });
  expect(response.status).toBe(413);
  expect(await response.json()).toMatchObject({ error: { code: "prompt-too-large", param: "messages" } });
});

test("a stream has the headers that keep proxies from holding it", async () => {
  const response = await app.post(streamed);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("cache-control")).toContain("no-transform");
  expect(response.headers.get("x-accel-buffering")).toBe("no");
  expect(response.headers.get("content-encoding")).toBeNull();
  expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  await response.body?.cancel();
});

test("the head and the role come before the model has said anything", async () => {
  const go = gate();
  app.told.answer = async function* () {
    await go.opened;
    yield { type: "finish", reason: "stop" };
  };
  await readUntil(await app.post(streamed), '"role":"assistant"');
  go.open();
});

test("the package iterates over a stream: the role, the text, the finish", async () => {
  const go = app.answerSlowly();
  const chunks: OpenAI.ChatCompletionChunk[] = [];
  for await (const chunk of await app.client.chat.completions.create(streamed)) {
    chunks.push(chunk);
    // Deltas that are written before they are read may come merged.
    if (chunk.choices[0]?.delta.content === "Hello") go.open();
  }
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
    { role: "assistant", content: "" },
    { content: "Hello" },
    { content: " again" },
    {},
  ]);
  expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, "stop"]);
});

test("the package's accumulating stream is satisfied", async () => {
  const final = await app.client.chat.completions.stream(asked).finalChatCompletion();
  expect(final.choices[0]).toMatchObject({
    finish_reason: "stop",
    message: { role: "assistant", content: "Hello there" },
  });
});

test("all chunks have the same id, created and model, and an array of choices", async () => {
  const response = await app.post({ ...streamed, stream_options: { include_usage: true } });
  const chunks = await chunksOf(response);
  const heads = chunks.map(({ id, object, created, model }) => ({ id, object, created, model }));
  expect(new Set(heads.map((head) => JSON.stringify(head))).size).toBe(1);
  expect(heads[0]).toEqual({
    id: `chatcmpl-${response.headers.get("x-millrace-run")}`,
    object: "chat.completion.chunk",
    created: expect.any(Number),
    model: "told",
  });
  for (const { choices } of chunks) expect(Array.isArray(choices)).toBe(true);
});

test("each event is one line of data, whatever the text, and at whatever a client splits lines", async () => {
  const text = 'a\nb\r\nc\rd "\u2028\u2029\u0085\v\f\u001C ÿ 😀 data: [DONE]';
  app.told.answer = async function* () {
    yield { type: "text", text };
    yield { type: "finish", reason: "stop" };
  };
  const body = await (await app.post(streamed)).text();
  // Python's `splitlines`, which httpx uses.
  // oxlint-disable-next-line no-control-regex -- these are what it splits at
  for (const separator of ["\n", /\r\n|[\n\r\v\f\u001C-\u001E\u0085\u2028\u2029]/]) {
    const { data, isDone, others } = readLines(body, separator);
    expect(textOf(data as Chunk[])).toBe(text);
    expect(isDone).toBe(true);
    expect(others, "no event, no retry, no half line").toEqual([]);
  }
});

test("the stream ends with exactly [DONE], and the answer is over at once", async () => {
  const body = await (await app.post(streamed)).text();
  expect(body.endsWith("\n\ndata: [DONE]\n\n")).toBe(true);
  expect(body.match(/\[DONE\]/g)).toHaveLength(1);
  await vi.waitFor(() => expect(app.server.readers).toBe(0));
});

test("the usage comes only when it is asked for, in a chunk of its own", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    yield { type: "finish", reason: "stop", usage: { inputTokens: 3, outputTokens: 1 } };
  };
  for (const options of [{}, { stream_options: {} }, { stream_options: { include_usage: false } }]) {
    const chunks = await chunksOf(await app.post({ ...streamed, ...options }));
    for (const chunk of chunks) {
      expect(chunk.choices).toHaveLength(1);
      expect(chunk.usage ?? null).toBeNull();
    }
  }
  const chunks = await chunksOf(await app.post({ ...streamed, stream_options: { include_usage: true } }));
  expect(chunks.at(-1)).toMatchObject({
    choices: [],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  });
  expect(chunks.at(-2)?.choices[0]).toMatchObject({ finish_reason: "stop" });
  expect(chunks.filter(({ choices }) => choices.length === 0)).toHaveLength(1);
});

test("what a model thinks aloud is its reasoning, not its answer", async () => {
  app.told.answer = async function* () {
    yield { type: "reasoning", text: "Hmm" };
    yield { type: "text", text: "Yes" };
    yield { type: "finish", reason: "stop" };
  };
  const chunks = await chunksOf(await app.post(streamed));
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toContainEqual({ reasoning_content: "Hmm" });
  expect((await app.client.chat.completions.create(asked)).choices[0]?.message).toMatchObject({
    content: "Yes",
    reasoning_content: "Hmm",
  });
});

test("silence is broken by a comment that no client takes for an end", async () => {
  await app[Symbol.asyncDispose]();
  app = await startFace({ hub: { heartbeatMs: 60 } });
  const go = app.answerSlowly();
  const reading = await app.client.chat.completions.create(streamed);
  const response = await app.post(streamed);
  const [head, rest] = response.body?.tee() ?? [];
  await readUntil(new Response(head), "\n\n: keep-alive\n\n");
  go.open();
  const body = await new Response(rest).text();
  expect(body).not.toMatch(/ping/i);
  const { data, isDone } = readLines(body);
  expect(data).toHaveLength(4);
  expect(isDone).toBe(true);
  let text = "";
  for await (const chunk of reading) text += chunk.choices[0]?.delta.content ?? "";
  expect(text).toBe("Hello again");
});

test("an error after the first byte is the package's APIError, and what came before is kept", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    throw new StreamError("provider-failed", "The model broke off.");
  };
  const seen: string[] = [];
  const reading = async () => {
    for await (const { choices } of await app.client.chat.completions.create(streamed))
      seen.push(choices[0]?.delta.content ?? "");
  };
  await expect(reading()).rejects.toMatchObject({
    code: "provider-failed",
    type: "server_error",
    error: { message: "The model broke off.", param: null },
  });
  await expect(reading()).rejects.toBeInstanceOf(OpenAI.APIError);
  expect(seen.join("")).toBe("HelloHello");
  const { data, isDone } = readLines(await (await app.post(streamed)).text());
  expect(data.at(-1)).toMatchObject({ error: { message: "The model broke off." } });
  expect(isDone).toBe(true);
});

test("without a stream a run that failed is a status, and half of its answer is not passed off as all", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Hello" };
    throw new StreamError("provider-refused", "The key is wrong.");
  };
  const response = await app.post(asked);
  expect(response.status).toBe(502);
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(await response.json()).toEqual({
    error: {
      message: "The key is wrong.",
      type: "server_error",
      param: null,
      code: "provider-refused",
      retryable: false,
    },
  });
});

test("a server that stops says so in the stream", async () => {
  app.answerSlowly();
  const response = await app.post(streamed);
  const [head, rest] = response.body?.tee() ?? [];
  await readUntil(new Response(head), "Hello");
  await app.server.runner.close();
  const { data, isDone } = readLines(await new Response(rest).text());
  expect(data.at(-1)).toMatchObject({ error: { type: "server_error", param: null } });
  expect(isDone).toBe(true);
});

test("a run that someone else stops has ended for its reader, with what was written", async () => {
  app.answerSlowly();
  const response = await app.post(streamed);
  const [head, rest] = response.body?.tee() ?? [];
  await readUntil(new Response(head), "Hello");
  await app.send("POST", `/v1/runs/${response.headers.get("x-millrace-run")}/stop`, {});
  const { data, isDone } = readLines(await new Response(rest).text());
  expect((data.at(-1) as Chunk).choices[0]).toMatchObject({ finish_reason: "stop" });
  expect(isDone).toBe(true);
});

test("an answer that is deleted while it is read ends with an error, not as if it were whole", async () => {
  app.answerSlowly();
  const response = await app.post(streamed, { "X-Millrace-Persist": "1" });
  const [head, rest] = response.body?.tee() ?? [];
  await readUntil(new Response(head), "Hello");
  await app.server.log.delete(runStream(response.headers.get("x-millrace-run") ?? ""));
  const { data, isDone } = readLines(await new Response(rest).text());
  expect(data.at(-1)).toMatchObject({ error: { code: "stream-unknown" } });
  expect(isDone).toBe(true);
});
