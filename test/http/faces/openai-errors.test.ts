import OpenAI from "openai";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { ServerOptions } from "../../../src/server.ts";
import { EVENTS } from "../../support/app.ts";
import { COMPLETIONS, asked, startFace, streamed } from "../../support/openai-face.ts";
import type { TestFace } from "../../support/openai-face.ts";

let app: TestFace;
beforeEach(async () => {
  app = await startFace();
});
afterEach(() => app[Symbol.asyncDispose]());

type Refusal = [what: string, status: number, code: string, param: string | null, body: unknown];
const REFUSALS: Refusal[] = [
  ["no JSON", 400, "invalid-json", null, "{"],
  ["an array", 400, "invalid-request", null, []],
  ["no messages", 400, "invalid-request", "messages", { model: "told" }],
  ["empty messages", 400, "invalid-request", "messages", { ...asked, messages: [] }],
  ["messages that are a text", 400, "invalid-request", "messages", { ...asked, messages: "Why?" }],
  ["only calls", 400, "invalid-request", "messages", { messages: [{ role: "assistant", content: null }] }],
  ["a wrong role", 400, "invalid-request", "messages.0.role", { messages: [{ role: "robot", content: "" }] }],
  ["no content", 400, "invalid-request", "messages.0.content", { messages: [{ role: "user" }] }],
  ["a number", 400, "invalid-request", "messages.0.content", { messages: [{ role: "user", content: 7 }] }],
  [
    "a picture",
    400,
    "invalid-request",
    "messages.0.content.1",
    {
      messages: [
        {
          role: "user",
          content: [
            { type: "text", text: "What is it?" },
            { type: "image_url", image_url: { url: "data:" } },
          ],
        },
      ],
    },
  ],
  [
    "a part without text",
    400,
    "invalid-request",
    "messages.0.content.0.text",
    { messages: [{ role: "user", content: [{ type: "text" }] }] },
  ],
  ["two answers", 400, "invalid-request", "n", { ...asked, n: 2 }],
  ["a temperature of 3", 400, "invalid-request", "temperature", { ...asked, temperature: 3 }],
  ["a top_p of 2", 400, "invalid-request", "top_p", { ...asked, top_p: 2 }],
  ["no token at all", 400, "invalid-request", "max_tokens", { ...asked, max_tokens: 0 }],
  ["half a token", 400, "invalid-request", "max_completion_tokens", { ...asked, max_completion_tokens: 0.5 }],
  ["a stop that is a number", 400, "invalid-request", "stop", { ...asked, stop: 1 }],
  ["a stream that is a text", 400, "invalid-request", "stream", { ...asked, stream: "yes" }],
  ["a model that is not there", 404, "model_not_found", "model", { ...asked, model: "tolt" }],
  ["5 MiB", 413, "body-too-large", null, { ...asked, user: "x".repeat(5 * 1_048_576) }],
];

test.each(REFUSALS)("%s is %i %s", async (_, status, code, param, body) => {
  const response = await app.send("POST", COMPLETIONS, body);
  expect(response.status).toBe(status);
  expect(response.headers.get("content-type")).toBe("application/json");
  expect(response.headers.get("x-should-retry")).toBe("false");
  expect(response.headers.get("x-request-id")).toMatch(/^req_/);
  const { error } = (await response.json()) as { error: { message: string } };
  expect(error).toEqual({
    message: expect.any(String),
    type: "invalid_request_error",
    param,
    code,
    retryable: false,
  });
  expect(error.message).toMatch(/.{15,}\.$|JSON/s);
  expect(error.message).not.toMatch(/Invalid input|undefined|expected/);
  expect(app.told.calls).toEqual([]);
});

test("what the guard and the router refuse has the same shape", async () => {
  const cases: [number, string, string, RequestInit][] = [
    [415, "invalid_request_error", COMPLETIONS, { method: "POST", body: "{}" }],
    [421, "invalid_request_error", "/v1/models", { headers: { host: "evil.example" } }],
    [403, "permission_error", COMPLETIONS, { method: "POST", headers: { origin: "https://evil.example" } }],
    [404, "invalid_request_error", COMPLETIONS, {}],
  ];
  for (const [status, type, path, init] of cases) {
    const response = await app.ask(path, init);
    expect(response.status).toBe(status);
    expect(response.headers.get("x-request-id")).toMatch(/^req_/);
    expect(await response.json()).toMatchObject({
      error: { type, param: null, message: expect.any(String) },
    });
  }
  expect(await (await app.ask("/v1/nothing")).json()).not.toHaveProperty("error.type");
});

test("any Authorization is accepted, and none", async () => {
  for (const headers of [{}, { authorization: "Bearer sk-anything" }, { authorization: "Basic eDp5" }]) {
    expect((await app.post(asked, headers)).status).toBe(200);
    expect((await fetch(`${app.url}/v1/models`, { headers })).status).toBe(200);
  }
});

test("a key that was used with another body is 422, and the package does not repeat it", async () => {
  await app.post(asked, { "Idempotency-Key": "k" });
  let requests = 0;
  const counting = app.connect({
    maxRetries: 2,
    fetch: (input, init) => {
      requests += 1;
      return fetch(input, init);
    },
  });
  const asking = counting.chat.completions.create(
    { ...asked, user: "another" },
    { headers: { "Idempotency-Key": "k" } },
  );
  await expect(asking).rejects.toBeInstanceOf(OpenAI.UnprocessableEntityError);
  await expect(asking).rejects.toMatchObject({
    code: "key-reused",
    requestID: expect.stringMatching(/^req_/),
  });
  expect(requests).toBe(1);
});

test("too many runs are 429, and the package asks again by itself", async () => {
  await app[Symbol.asyncDispose]();
  app = await startFace({ runner: { maxRuns: 1 } });
  const go = app.answerSlowly();
  const first = await app.post(streamed);
  const statuses: number[] = [];
  const patient = app.connect({
    maxRetries: 2,
    fetch: async (input, init) => {
      const response = await fetch(input, init);
      statuses.push(response.status);
      expect(response.headers.get("x-should-retry")).toBe(statuses.length === 1 ? "true" : null);
      expect(response.headers.get("retry-after")).toBe(statuses.length === 1 ? "2" : null);
      go.open();
      return response;
    },
  });
  const answer = await patient.chat.completions.create(asked);
  expect(answer.choices[0]?.message.content).toBe("Hello again");
  expect(statuses).toEqual([429, 200]);
  await first.text();
  await expect(app.client.chat.completions.create({ ...asked, n: 2 })).rejects.toBeInstanceOf(
    OpenAI.BadRequestError,
  );
});

test("a server that stops is 503 with Retry-After, also for who asks for events", async () => {
  await app.server.runner.close();
  for (const headers of [{}, EVENTS]) {
    const response = await app.post(streamed, headers);
    expect(response.status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("2");
    expect(response.headers.get("x-should-retry")).toBe("true");
    expect(await response.json()).toMatchObject({ error: { type: "server_error", code: "draining" } });
  }
});

test("a server with too many readers starts no stream that nobody could read", async () => {
  await app[Symbol.asyncDispose]();
  const options: ServerOptions & { maxReaders: number } = { maxReaders: 0 };
  app = await startFace(options);
  await expect(app.client.chat.completions.create(streamed)).rejects.toMatchObject({
    status: 503,
    code: "overloaded",
  });
  expect(app.told.calls).toEqual([]);
  expect((await app.client.models.list()).data).not.toEqual([]);
});

test("a page of an allowed origin may send what the package sends, and read what it needs", async () => {
  const origin = "https://friend.example";
  let sent: string[] = [];
  const noting = app.connect({
    fetch: (input, init) => {
      sent = [...new Headers(init?.headers).keys()];
      return fetch(input, init);
    },
  });
  await noting.chat.completions.stream(asked).done();
  expect(sent).toEqual(
    expect.arrayContaining(["authorization", "x-stainless-lang", "x-stainless-retry-count"]),
  );
  const preflight = await fetch(`${app.url}${COMPLETIONS}`, {
    method: "OPTIONS",
    headers: {
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": [...sent, "x-millrace-persist", "x-evil"].join(","),
    },
  });
  expect(preflight.status).toBe(204);
  const allowed = (preflight.headers.get("access-control-allow-headers") ?? "").toLowerCase().split(", ");
  const always = new Set(["accept", "content-length"]);
  expect(sent.filter((name) => !allowed.includes(name) && !always.has(name))).toEqual([]);
  expect(allowed).toContain("x-millrace-persist");
  expect(allowed).not.toContain("x-evil");
  const answer = await app.post(asked, { origin });
  expect(answer.headers.get("access-control-allow-origin")).toBe(origin);
  expect(answer.headers.get("access-control-expose-headers")).toContain("X-Request-Id");
});
