import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createOpenAIProvider } from "../../src/chat/openai.ts";
import type { FetchLike } from "../../src/chat/openai.ts";
import type { Provider } from "../../src/chat/provider.ts";
import { handed, streamOf } from "../support/handed-answer.ts";
import { startFakeProvider } from "../support/fake-provider.ts";
import type { FakeProvider } from "../support/fake-provider.ts";

const KEY = "sk-secret-0123456789";

let fake: FakeProvider;
let provider: Provider;

beforeEach(async () => {
  fake = await startFakeProvider();
  provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, apiKey: KEY, origin: "Fake" });
});

afterEach(async () => {
  await fake.close();
});

describe("the list of models", () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  it("has what can answer a chat, with its origin", async () => {
    fake.setModels(["llama3", "nomic-embed-text", "whisper-1", "gpt-image-1", "tts-1", "qwen/qwen3-8b"]);
    expect(await provider.models()).toEqual([
      { id: "llama3", origin: "Fake" },
      { id: "qwen/qwen3-8b", origin: "Fake" },
    ]);
    expect(fake.listCalls[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
  });

  it("is kept for 60 s, and asked for once at a time", async () => {
    let time = 0;
    provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, now: () => time });
    await Promise.all([provider.models(), provider.models()]);
    fake.setModels(["new"]);
    time = 59_999;
    expect(await provider.models()).toEqual([{ id: "fake-model", origin: "fake" }]);
    expect(fake.listCalls).toHaveLength(1);
    time = 60_000;
    expect(await provider.models()).toEqual([{ id: "new", origin: "fake" }]);
  });

  it("is not looked for where a redirect points, which would get the key", async () => {
    const redirecting = createServer((_request, response) =>
      response.writeHead(307, { location: `${fake.baseUrl}/models` }).end(),
    );
    await new Promise<void>((resolve) => redirecting.listen(0, "127.0.0.1", resolve));
    const { port } = redirecting.address() as AddressInfo; // it listens on a port
    provider = createOpenAIProvider({ name: "x", baseUrl: `http://127.0.0.1:${port}/v1`, apiKey: KEY });
    await expect(provider.models()).rejects.toMatchObject({ code: "provider-refused" });
    expect(fake.listCalls).toHaveLength(0);
    redirecting.closeAllConnections();
    redirecting.close();
  });

  it("has at most 500 of them", async () => {
    fake.setModels(Array.from({ length: 501 }, (_, n) => `model-${n}`));
    expect(await provider.models()).toHaveLength(500);
  });

  it("is not asked for where it was handed in", async () => {
    provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, models: ["a", "b"] });
    expect((await provider.models()).map(({ id }) => id)).toEqual(["a", "b"]);
    expect(fake.listCalls).toHaveLength(0);
  });

  it("is empty where a server has none", async () => {
    const list = '{"object":"list","data":null}';
    expect(await handed(streamOf([Buffer.from(list)])).models()).toEqual([]);
  });

  it.each(["<html></html>", "[]", '{"data":[{"name":"x"}]}'])("fails on %s", async (text) => {
    await expect(handed(streamOf([Buffer.from(text)])).models()).rejects.toMatchObject({
      code: "provider-failed",
    });
  });

  it("is waited for 3 s; a failure then stands while the server is asked again", async () => {
    vi.useFakeTimers();
    let time = 0;
    let calls = 0;
    const fetch: FetchLike = (_url, { signal }) => {
      calls += 1;
      return new Promise((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason as Error));
      });
    };
    provider = createOpenAIProvider({ name: "fake", baseUrl: fake.baseUrl, fetch, now: () => time });
    const first = expect(provider.models()).rejects.toThrow("no answer within 3000 ms");
    await vi.advanceTimersByTimeAsync(3_000);
    await first;
    await expect(provider.models()).rejects.toThrow("no answer");
    expect(calls).toBe(1);
    time = 5_000;
    await expect(provider.models()).rejects.toThrow("no answer"); // at once, though the server hangs again
    expect(calls).toBe(2);
  });
});
