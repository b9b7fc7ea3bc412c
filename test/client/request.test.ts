import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createApi } from "../../src/client/request.ts";
import { StreamError } from "../../src/client/error.ts";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const refusal =
  (status: number, code: string, retryable: boolean, headers = {}) =>
  () =>
    Response.json({ error: { code, message: `Sorry: ${code}.`, retryable } }, { status, headers });
const done = () => Response.json({ run: "r1" });
const lost = () => {
  throw new TypeError("Load failed");
};

/** An API whose answers are given, the last one for ever. */
function answering(...answers: (() => Response)[]) {
  const asked: { url: string; headers: Headers; method: string | undefined; body: unknown }[] = [];
  const api = createApi({
    url: "https://example.org",
    headers: () => ({ authorization: "Bearer x" }),
    random: () => 0.5,
    fetch: async (input, init) => {
      init?.signal?.throwIfAborted();
      await Promise.resolve();
      const headers = new Headers(init?.headers);
      asked.push({
        url: input instanceof Request ? input.url : input.toString(),
        headers,
        method: init?.method,
        body: init?.body,
      });
      const answer = answers[Math.min(asked.length, answers.length) - 1] ?? done;
      return answer();
    },
  });
  const keys = () => new Set(asked.map(({ headers }) => headers.get("idempotency-key")));
  return { api, asked, keys };
}

/** Lets all timers run until a promise is settled. */
async function settle<T>(promise: Promise<T>): Promise<{ value?: T; error?: unknown }> {
  const outcome = promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  );
  await vi.runAllTimersAsync();
  return outcome;
}

describe("a request", () => {
  it("is sent as JSON, with headers of one's own and a key of its own", async () => {
    const { api, asked, keys } = answering();
    expect(await api.send("POST", "/v1/runs", { prompt: "Why?" })).toEqual({ run: "r1" });
    expect(await api.send("POST", "/v1/runs", { prompt: "Why?" })).toEqual({ run: "r1" });
    expect(asked[0]).toMatchObject({
      url: "https://example.org/v1/runs",
      method: "POST",
      body: '{"prompt":"Why?"}',
    });
    expect(asked[0]?.headers.get("content-type")).toBe("application/json");
    expect(asked[0]?.headers.get("authorization")).toBe("Bearer x");
    expect(keys().size).toBe(2);
    for (const key of keys()) expect(key).toMatch(/^[!-~]{20,128}$/);
  });

  it("has no key where it only reads, and undefined for an answer without a body", async () => {
    const { api, asked } = answering(() => new Response(null, { status: 204 }));
    expect(await api.send("GET", "/v1/models")).toBeUndefined();
    expect(asked[0]?.headers.has("idempotency-key")).toBe(false);
    expect(asked[0]?.headers.has("content-type")).toBe(false);
  });

  it.each([
    ["the network fails", lost],
    [
      "somebody else aborts it",
      () => {
        throw new DOMException("aborted", "AbortError");
      },
    ],
    ["the server says that it may succeed later", refusal(503, "log-unavailable", true)],
    ["a proxy says 502", () => new Response("<html>", { status: 502 })],
    ["the body is cut", () => new Response('{"run":')],
  ])("is repeated with the same key when %s", async (_name, failure) => {
    const { api, asked, keys } = answering(failure, failure, done);
    expect(await settle(api.send("POST", "/v1/runs", {}, { key: "k" }))).toEqual({ value: { run: "r1" } });
    expect(asked).toHaveLength(3);
    expect([...keys()]).toEqual(["k"]);
  });

  it("waits as long as the server asks", async () => {
    const { api, asked } = answering(refusal(429, "too-many-runs", true, { "retry-after": "9" }), done);
    const sent = api.send("POST", "/v1/runs", {});
    await vi.advanceTimersByTimeAsync(8_999);
    expect(asked).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(await sent).toEqual({ run: "r1" });
  });

  it("fails with the server's code and words where that is its last word", async () => {
    const { api, asked } = answering(refusal(409, "run-ended", false));
    const { error } = await settle(api.send("POST", "/v1/runs", {}));
    expect(error).toBeInstanceOf(StreamError);
    expect(error).toMatchObject({ code: "run-ended", message: "Sorry: run-ended." });
    expect(asked).toHaveLength(1);
  });

  it("hands on the code and the words of a server that is newer", async () => {
    const { error } = await settle(answering(refusal(409, "of-tomorrow", false)).api.send("GET", "/"));
    expect(error).toMatchObject({ code: "of-tomorrow", isRetryable: false, message: "Sorry: of-tomorrow." });
  });

  it("gives up after about a minute, with the cause", async () => {
    const { api, asked } = answering(lost);
    const startedAt = Date.now();
    const { error } = await settle(api.send("POST", "/v1/runs", {}));
    expect(error).toMatchObject({ code: "internal", cause: { message: "Load failed" } });
    expect(Date.now() - startedAt).toBeGreaterThan(30_000);
    expect(Date.now() - startedAt).toBeLessThanOrEqual(60_000);
    expect(asked.length).toBeGreaterThan(5);
  });

  it("ends with the signal, while it waits too", async () => {
    const { api, asked } = answering(lost);
    const abort = new AbortController();
    const sent = api.send("GET", "/", undefined, { signal: abort.signal }).catch((error: unknown) => error);
    await vi.advanceTimersByTimeAsync(100);
    abort.abort(new Error("gone"));
    expect(await sent).toMatchObject({ message: "gone" });
    expect(vi.getTimerCount()).toBe(0);
    const count = asked.length;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(asked).toHaveLength(count);
  });
});
