import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import * as fc from "fast-check";
import { createOpenAIProvider } from "../../src/chat/openai.ts";
import type { FetchLike } from "../../src/chat/openai.ts";
import type { BodyReader } from "../../src/chat/openai-failure.ts";
import type { Provider, ProviderEvent } from "../../src/chat/provider.ts";
import { collect } from "../support/collect.ts";
import { handed, streamOf } from "../support/handed-answer.ts";
import { encodeAnswer, startFakeProvider } from "../support/fake-provider.ts";
import type { FakeAnswer, FakeBehaviour, FakeProvider } from "../support/fake-provider.ts";

const KEY = "sk-secret-0123456789";
const WORDS = ["The", " sky", " is", " blue", " 😀", " 日本", "語", ".\n"];

let fake: FakeProvider;
let provider: Provider;

beforeEach(async () => {
  fake = await startFakeProvider();
  provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, apiKey: KEY, origin: "Fake" });
});

afterEach(async () => {
  await fake.close();
});

describe("an answer", () => {
  it("comes as text deltas, then one finish with the usage", async () => {
    fake.next({ type: "answer", tokens: WORDS, usage: { prompt_tokens: 11, completion_tokens: 8 } });
    const { events } = await collect(provider, "Why is the sky blue?");
    expect(events).toEqual([
      ...WORDS.map((text) => ({ type: "text", text })),
      { type: "finish", reason: "stop", usage: { inputTokens: 11, outputTokens: 8 } },
    ]);
  });

  it("is asked for with the key, the messages and the usage", async () => {
    await collect(provider, {
      model: "m1",
      maxTokens: 50,
      messages: [
        { role: "system", text: "Be brief." },
        { role: "user", text: "Hi" },
      ],
    });
    expect(fake.calls[0]?.path).toBe("/v1/chat/completions");
    expect(fake.calls[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(fake.calls[0]?.body).toEqual({
      model: "m1",
      stream: true,
      stream_options: { include_usage: true },
      max_tokens: 50,
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
      ],
    });
  });

  it("is told of former calls of tools and what came of them in OpenAI's own words", async () => {
    const called = { call: "abcdefg01", tool: "weather", input: '{"city":"Oslo"}' };
    await collect(provider, {
      model: "m1",
      messages: [
        { role: "user", text: "Oslo?" },
        { role: "assistant", text: "", calls: [called] },
        { role: "tool", call: "abcdefg01", tool: "weather", text: '{"degrees":3}' },
      ],
    });
    expect(fake.calls[0]?.body).toMatchObject({
      messages: [
        { role: "user", content: "Oslo?" },
        {
          role: "assistant",
          content: null,
          tool_calls: [
            {
              id: "abcdefg01",
              type: "function",
              function: { name: "weather", arguments: '{"city":"Oslo"}' },
            },
          ],
        },
        { role: "tool", tool_call_id: "abcdefg01", content: '{"degrees":3}' },
      ],
    });
  });

  it("is asked for without an authorization where there is no key", async () => {
    await collect(createOpenAIProvider({ name: "fake", baseUrl: `${fake.baseUrl}/`, apiKey: "" }), "Hi");
    expect(fake.calls[0]?.path).toBe("/v1/chat/completions");
    expect(fake.calls[0]?.headers.authorization).toBeUndefined();
  });

  it("names the limit as OpenAI's own server wants it", async () => {
    const bodies: unknown[] = [];
    const fetch: FetchLike = (_url, init) => {
      bodies.push(JSON.parse(init.body ?? ""));
      return Promise.resolve(streamOf([Buffer.from("data: [DONE]\n\n")]));
    };
    const openai = createOpenAIProvider({ name: "openai", baseUrl: "https://api.openai.com/v1", fetch });
    await collect(openai, { maxTokens: 7 });
    expect(bodies[0]).toMatchObject({ max_completion_tokens: 7 });
    expect(bodies[0]).not.toHaveProperty("max_tokens");
  });

  it("is drawn as the request says, and nothing is said that it does not", async () => {
    const sampling = { temperature: 0, topP: 0.9, seed: 7, stop: ["END"] };
    await collect(provider, { sampling });
    expect(fake.calls[0]?.body).toMatchObject({ temperature: 0, top_p: 0.9, seed: 7, stop: ["END"] });
    await collect(provider, { sampling: { seed: 7 } });
    expect(Object.keys(fake.calls[1]?.body ?? {}).sort()).toEqual([
      "messages",
      "model",
      "seed",
      "stream",
      "stream_options",
    ]);
  });

  it("is not asked for before its first event is", async () => {
    const iterator = iterate(provider);
    await provider.models();
    expect(fake.calls).toHaveLength(0);
    await iterator.return?.();
  });

  it.each(["reasoning_content", "reasoning"] as const)(
    "gives reasoning from delta.%s",
    async (reasoningField) => {
      fake.next({ type: "answer", reasoning: ["Hm", ", so"], reasoningField, tokens: ["42"] });
      const { events } = await collect(provider, "?");
      expect(events.slice(0, 3)).toEqual([
        { type: "reasoning", text: "Hm" },
        { type: "reasoning", text: ", so" },
        { type: "text", text: "42" },
      ]);
    },
  );

  it.each([
    ["stop", "stop"],
    ["length", "length"],
    ["max_tokens", "length"],
    ["tool_calls", "stop"],
    ["eos", "stop"],
  ])("with the finish_reason %s ends with %s", async (finish, reason) => {
    fake.next({ type: "answer", tokens: ["a"], finish });
    expect((await collect(provider, "?")).finish?.reason).toBe(reason);
  });

  it("that the content filter stopped is refused, after what was written", async () => {
    fake.next({ type: "answer", tokens: ["a", "b"], finish: "content_filter" });
    const { text, error } = await collect(provider, "?");
    expect(text).toBe("ab");
    expect(error).toMatchObject({
      code: "provider-refused",
      message: expect.stringContaining("content filter"),
    });
  });

  it("ends with [DONE] where no finish_reason was sent", async () => {
    fake.next({ type: "answer", tokens: ["a"], finish: null, usage: null });
    expect((await collect(provider, "?")).finish).toEqual({ type: "finish", reason: "stop" });
  });

  it("ends with its finish_reason where no [DONE] was sent", async () => {
    fake.next({ type: "answer", tokens: ["a"], finish: "length", done: false });
    expect((await collect(provider, "?")).finish?.reason).toBe("length");
  });

  it("is read to the end of its body, so that the connection can serve the next request", async () => {
    const parts = [encodeAnswer({ type: "answer", tokens: ["a"] }).join(""), ": bye\n\n", ": bye\n\n"];
    let upstream: AbortSignal | undefined;
    const isRead = new Promise<void>((resolve) => {
      const body = {
        getReader: () => ({
          read: () => {
            const value = parts.shift();
            if (value === undefined) resolve();
            return Promise.resolve(
              value === undefined ? { done: true } : { done: false, value: Buffer.from(value) },
            );
          },
          cancel: () => Promise.resolve(),
        }),
      };
      const fetch: FetchLike = (_url, { signal }) => {
        upstream = signal;
        return Promise.resolve({ ...streamOf([]), body });
      };
      provider = createOpenAIProvider({ name: "handed", baseUrl: fake.baseUrl, fetch });
    });
    expect((await collect(provider, "?")).finish?.reason).toBe("stop");
    await isRead;
    expect(upstream?.aborted).toBe(false);
  });

  it("is the same with several tokens in a packet, and with packets cut at random bytes", async () => {
    const answer: FakeAnswer = { type: "answer", tokens: Array.from({ length: 300 }, (_, i) => `${i} 👩‍💻 `) };
    const expected = answer.tokens.join("");
    fake.next({ ...answer, perWrite: 50 });
    expect((await collect(provider, "?")).text).toBe(expected);
    fake.next({ ...answer, cutSeed: 7 });
    expect((await collect(provider, "?")).text).toBe(expected);
  });

  it("is the same however its bytes are cut", async () => {
    const bytes = Buffer.from(encodeAnswer({ type: "answer", tokens: WORDS, reasoning: ["ä"] }).join(""));
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 40 }), async (cuts) => {
        const edges = [0, ...cuts.sort((a, b) => a - b), bytes.length];
        const parts = edges.slice(1).map((edge, index) => bytes.subarray(edges[index], edge));
        const { text, reasoning, finish } = await collect(handed(streamOf(parts)), "?");
        expect([text, reasoning, finish?.reason]).toEqual([WORDS.join(""), "ä", "stop"]);
      }),
    );
  });

  it("reads CRLF, a missing last blank line, comments and unknown members", async () => {
    const wire =
      ': keep-alive\r\n\r\ndata:{"choices":[{"delta":{"content":"a","new":[1]}}],"x":null}\r\n\r\n' +
      'data: {"choices":[]}\r\n\r\ndata: [1]\r\n\r\ndata: {"choices":[{"index":1,"delta":{"content":"other"}}]}\r\n\r\n' +
      'data: {"choices":[{"delta":{"content":7,"role":null}}],"error":null}\r\n\r\ndata: [DONE]';
    const { events } = await collect(handed(streamOf([Buffer.from(wire)])), "?");
    expect(events).toEqual([
      { type: "text", text: "a" },
      { type: "finish", reason: "stop" },
    ]);
  });

  it("hands out what one packet brought without waiting for the network", async () => {
    const events = encodeAnswer({ type: "answer", tokens: WORDS }).slice(0, -3).join("");
    let reads = 0;
    const body = {
      getReader: () => ({
        read: () =>
          reads++ === 0
            ? Promise.resolve({ done: false, value: Buffer.from(events) })
            : new Promise<never>(() => {}),
        cancel: () => Promise.resolve(),
      }),
    };
    const iterator = iterate(handed({ ...streamOf([]), body }));
    const got: ProviderEvent[] = [];
    for (let i = 0; i < WORDS.length; i++) got.push((await iterator.next()).value as ProviderEvent);
    expect(got).toEqual(WORDS.map((text) => ({ type: "text", text })));
    expect(reads).toBe(1);
    await iterator.return?.();
  });
});

describe("a refusal", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it.each([
    [400, "provider-refused", false],
    [401, "provider-refused", false],
    [403, "provider-refused", false],
    [404, "provider-refused", false],
    [422, "provider-refused", false],
    [429, "provider-busy", true],
    [503, "provider-busy", true],
    [500, "provider-failed", true],
    [502, "provider-failed", true],
  ])("with status %i is %s", async (status, code, isRetryable) => {
    fake.next({ type: "status", status, body: { error: { message: "The provider's own words" } } });
    const { error, events } = await collect(provider, "?");
    expect(events).toEqual([]);
    expect(error).toMatchObject({ code, isRetryable });
    expect(error?.message).toContain(`HTTP ${status}`);
    expect(error?.message).toContain("The provider's own words");
    expect(error?.message).toMatch(/\. [A-Z][^.]+\.$/); // what to do next
  });

  it("says when to try again where the provider says so", async () => {
    fake.next({ type: "status", status: 429, headers: { "retry-after": "20" } });
    expect((await collect(provider, "?")).error?.message).toContain("Try again in 20 s");
  });

  it("says no time that the provider did not say in seconds", async () => {
    const headers = { "retry-after": "Fri, 31 Dec 1999 23:59:59 GMT" };
    fake.next({ type: "status", status: 429, headers });
    expect((await collect(provider, "?")).error?.message).toContain("Try again in a moment");
  });

  it("is read to 64 KiB of its body, which may have no end", async () => {
    let reads = 0;
    let isCancelled = false;
    const endless = handed(
      refusedWith({
        read: () => Promise.resolve({ done: (reads += 1) > 1_000, value: new Uint8Array(1_024).fill(120) }),
        cancel: () => Promise.resolve(void (isCancelled = true)),
      }),
    );
    expect((await collect(endless, "?")).error).toMatchObject({ code: "provider-failed" });
    expect({ reads, isCancelled }).toEqual({ reads: 64, isCancelled: true });
  });

  it("is waited for 5 s once its status is there", async () => {
    vi.useFakeTimers();
    let onCancel: (() => void) | undefined;
    const silent = handed(
      refusedWith({
        read: () => new Promise((resolve) => (onCancel = () => resolve({ done: true }))),
        cancel: () => Promise.resolve(onCancel?.()),
      }),
    );
    const collected = collect(silent, "?");
    await vi.advanceTimersByTimeAsync(5_000);
    expect((await collected).error?.message).toContain("HTTP 500");
  });

  it.each([
    [{ error: { message: "nested" } }, "nested"],
    [{ error: "a string" }, "a string"],
    [{ message: "plain" }, "plain"],
    [{ detail: "of FastAPI" }, "of FastAPI"],
    ["only text", "only text"],
  ])("shows the words in %j", async (body, words) => {
    fake.next({ type: "status", status: 500, body });
    expect((await collect(provider, "?")).error?.message).toContain(words);
  });

  it("never shows the key, nor more than 300 characters of what the provider said", async () => {
    const message = `${"x".repeat(290)}${KEY} ${"y".repeat(5_000)}`;
    fake.next({ type: "status", status: 401, body: { error: { message } } });
    const { error } = await collect(provider, "?");
    expect(error?.message).not.toContain("sk-");
    expect(error?.message.length).toBeLessThan(450);
  });

  it("shows no HTML", async () => {
    fake.next({ type: "status", status: 502, body: "<html><b>Bad gateway</b></html>" });
    expect((await collect(provider, "?")).error?.message).not.toContain("<");
  });

  it("is what a redirect gets, and the key does not go where it points", async () => {
    const other = await startFakeProvider();
    fake.next({ type: "status", status: 307, headers: { location: `${other.baseUrl}/chat/completions` } });
    const { error } = await collect(provider, "?");
    expect(error).toMatchObject({ code: "provider-refused", message: expect.stringContaining("redirect") });
    expect(other.calls).toHaveLength(0);
    await other.close();
  });
});

describe("a failure", () => {
  it.each<[string, FakeBehaviour, string, string]>([
    ["HTML", { type: "html" }, "", "text/html"],
    [
      "a whole JSON answer",
      { type: "raw", contentType: "application/json", text: '{"error":"no"}' },
      "",
      "no",
    ],
    ["half a JSON", { type: "half-json" }, "", "closed the connection"],
    ["what is no JSON", { type: "raw", text: "data: {oops\n\n" }, "", "not JSON"],
    ["an empty stream", { type: "raw", text: "" }, "", "closed the connection"],
    [
      "an end in the middle",
      { type: "raw", text: encodeAnswer({ type: "answer", tokens: ["a"] })[1] ?? "" },
      "a",
      "closed",
    ],
    ["a broken connection", { type: "answer", tokens: ["a", "b", "c"], breakAfter: 2 }, "ab", "connection"],
    [
      "an error object",
      { type: "answer", tokens: ["a", "b", "c"], errorAfter: { tokens: 2, message: "GPU lost" } },
      "ab",
      "GPU lost",
    ],
    [
      "an error event",
      { type: "raw", text: 'event: error\ndata: {"message":"out of memory"}\n\n' },
      "",
      "out of memory",
    ],
    ["a line of over 1 MiB", { type: "raw", text: `data: ${"x".repeat(1_200_000)}` }, "", "1 MiB"],
  ])("is %s, after what was written", async (_name, behaviour, text, words) => {
    fake.next(behaviour);
    const answer = await collect(provider, "?");
    expect(answer.error).toMatchObject({ code: "provider-failed", message: expect.stringContaining(words) });
    expect(answer.text).toBe(text);
    expect(answer.finish).toBeUndefined();
  });

  it("is a server that is not there", async () => {
    await fake.close();
    const { error } = await collect(provider, "?");
    expect(error?.code).toBe("provider-failed");
    expect(error?.message).toContain("ECONNREFUSED");
    expect(error?.message).toContain(fake.baseUrl);
    fake = await startFakeProvider();
  });

  it("ends the iterator", async () => {
    fake.next({ type: "half-json" });
    const iterator = iterate(provider);
    await expect(iterator.next()).rejects.toMatchObject({ code: "provider-failed" });
    expect(await iterator.next()).toEqual({ done: true, value: undefined });
  });

  it("after the finish_reason does not spoil the answer", async () => {
    const whole = encodeAnswer({ type: "answer", tokens: ["a"], done: false, usage: null }).join("");
    let reads = 0;
    const body = {
      getReader: () => ({
        read: () =>
          reads++ === 0
            ? Promise.resolve({ done: false, value: Buffer.from(whole) })
            : Promise.reject(new Error("reset")),
        cancel: () => Promise.resolve(),
      }),
    };
    expect((await collect(handed({ ...streamOf([]), body }), "?")).finish?.reason).toBe("stop");
  });
});

describe("an abort", () => {
  it.each<[string, FakeBehaviour]>([
    ["before the headers", { type: "silence" }],
    ["before the first token", { type: "silence", headers: true }],
    ["in the middle", { type: "answer", tokens: WORDS, hangAfter: 3 }],
  ])("%s reaches the provider and throws its reason", async (_name, behaviour) => {
    fake.next(behaviour);
    const controller = new AbortController();
    const reading = collect(provider, "?", controller.signal);
    await fake.whenCalled(1);
    controller.abort(new Error("stopped by a test"));
    await expect(reading).rejects.toThrow("stopped by a test");
    await fake.whenAborted(1);
  });

  it("that came before sends nothing", async () => {
    await expect(collect(provider, "?", AbortSignal.abort(new Error("too late")))).rejects.toThrow(
      "too late",
    );
    expect(fake.calls).toHaveLength(0);
  });

  it("is also leaving the loop early", async () => {
    fake.next({ type: "answer", tokens: WORDS, hangAfter: 2 });
    for await (const event of provider.generate({ model: "m", messages: [] }, new AbortController().signal)) {
      expect(event).toEqual({ type: "text", text: "The" });
      break;
    }
    await fake.whenAborted(1);
  });

  it("is also return() while a read is under way", async () => {
    fake.next({ type: "silence", headers: true });
    const iterator = iterate(provider);
    const first = iterator.next();
    await fake.whenCalled(1);
    await iterator.return?.();
    expect(await first).toEqual({ done: true, value: undefined });
    await fake.whenAborted(1);
  });

  it("after the end changes nothing", async () => {
    const controller = new AbortController();
    const { finish } = await collect(provider, "?", controller.signal);
    controller.abort();
    expect(finish?.reason).toBe("stop");
    await collect(provider, "?");
    expect(fake.aborts).toBe(0);
  });
});

describe("its options", () => {
  it.each(["", "llama", "ftp://127.0.0.1/v1", "http://me:secret@127.0.0.1/v1"])(
    "refuse the base URL %j without showing it",
    (baseUrl) => {
      const make = () => createOpenAIProvider({ name: "x", baseUrl });
      expect(make).toThrow(expect.objectContaining({ code: "invalid-request" }));
      expect(make).not.toThrow("secret");
    },
  );

  it("refuse a key that no header can carry without showing it", () => {
    const apiKey = "sk-a\nb";
    const make = () => createOpenAIProvider({ name: "x", baseUrl: fake.baseUrl, apiKey });
    expect(make).toThrow(expect.objectContaining({ code: "invalid-request" }));
    expect(make).not.toThrow("sk-a");
  });

  it("may hold a query, which each request keeps", async () => {
    const urls: string[] = [];
    const fetch: FetchLike = (url) => {
      urls.push(url);
      return Promise.resolve(streamOf([Buffer.from("data: [DONE]\n\n")]));
    };
    await collect(
      createOpenAIProvider({ name: "azure", baseUrl: "https://x.test/v1?api-version=1", fetch }),
      "?",
    );
    expect(urls).toEqual(["https://x.test/v1/chat/completions?api-version=1"]);
  });
});

function iterate(of: Provider): AsyncIterator<ProviderEvent> {
  return of.generate({ model: "m", messages: [] }, new AbortController().signal)[Symbol.asyncIterator]();
}

function refusedWith(reader: BodyReader): Awaited<ReturnType<FetchLike>> {
  return { ok: false, status: 500, headers: { get: () => null }, body: { getReader: () => reader } };
}
