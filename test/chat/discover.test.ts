import { afterEach, describe, expect, it, vi } from "vitest";
import { discoverLocalServers, environmentProviders } from "../../src/chat/discover.ts";
import type { FetchLike } from "../../src/chat/openai.ts";
import { collect } from "../support/collect.ts";
import { startFakeProvider } from "../support/fake-provider.ts";

afterEach(() => {
  vi.useRealTimers();
});

describe("discoverLocalServers", () => {
  it("finds each server that lists models on its usual port, and speaks to it", async () => {
    const ollama = await startFakeProvider({ models: ["llama3"] });
    const vllm = await startFakeProvider({ models: ["mistral", "qwen3"] });
    const fetch = routed({ "127.0.0.1:11434": ollama.baseUrl, "127.0.0.1:8000": vllm.baseUrl });
    const found = await discoverLocalServers({ fetch });
    expect(await Promise.all(found.map(async (it) => [it.name, await it.models()]))).toEqual([
      ["ollama", [{ id: "llama3", origin: "Ollama on this machine" }]],
      [
        "vllm",
        [
          { id: "mistral", origin: "vLLM on this machine" },
          { id: "qwen3", origin: "vLLM on this machine" },
        ],
      ],
    ]);
    const [first] = found;
    if (first === undefined) throw new Error("nothing was found");
    expect((await collect(first, "Hi")).text).toBe("Hello, world.");
    await ollama.close();
    await vllm.close();
  });

  it("looks at the four usual ports of this machine only, without a key", async () => {
    const seen: [string, unknown][] = [];
    const fetch: FetchLike = (url, { headers }) => {
      seen.push([url, headers["authorization"]]);
      return Promise.reject(new Error("nothing there"));
    };
    expect(await discoverLocalServers({ fetch })).toEqual([]);
    expect(seen).toEqual([
      ["http://127.0.0.1:11434/v1/models", undefined],
      ["http://127.0.0.1:1234/v1/models", undefined],
      ["http://127.0.0.1:8080/v1/models", undefined],
      ["http://127.0.0.1:8000/v1/models", undefined],
    ]);
  });

  it.each([
    ["another program's page", "<html></html>"],
    ["another shape", '{"models":["a"]}'],
    ["no model", '{"object":"list","data":[]}'],
    ["no model, as Ollama says it", '{"object":"list","data":null}'],
  ])("leaves out a port that answers with %s", async (_name, text) => {
    expect(await discoverLocalServers({ fetch: () => Promise.resolve(new Response(text)) })).toEqual([]);
  });

  it("leaves out a server that does not answer within 400 ms", async () => {
    vi.useFakeTimers();
    const looking = discoverLocalServers({ fetch: hang });
    await vi.advanceTimersByTimeAsync(400);
    expect(await looking).toEqual([]);
  });
});

describe("environmentProviders", () => {
  it("makes none without a key or a base URL", () => {
    expect(environmentProviders({})).toEqual([]);
    expect(environmentProviders({ OPENAI_API_KEY: " ", OPENAI_BASE_URL: "" })).toEqual([]);
  });

  it("sends OPENAI_API_KEY to OpenAI", async () => {
    const seen: [string, unknown][] = [];
    const fetch: FetchLike = (url, { headers }) => {
      seen.push([url, headers["authorization"]]);
      return Promise.resolve(new Response('{"data":[{"id":"gpt-5-mini"}]}'));
    };
    const [provider] = environmentProviders({ OPENAI_API_KEY: "sk-test" }, { fetch });
    expect(provider?.name).toBe("openai");
    expect(await provider?.models()).toEqual([{ id: "gpt-5-mini", origin: "OpenAI" }]);
    expect(seen).toEqual([["https://api.openai.com/v1/models", "Bearer sk-test"]]);
  });

  it("sends it to OPENAI_BASE_URL instead where that is set, named by its host", async () => {
    const fake = await startFakeProvider();
    const [provider] = environmentProviders({ OPENAI_API_KEY: "sk-test", OPENAI_BASE_URL: fake.baseUrl });
    expect(provider?.name).toBe(new URL(fake.baseUrl).host);
    expect(await provider?.models()).toHaveLength(1);
    expect(fake.listCalls[0]?.headers.authorization).toBe("Bearer sk-test");
    await fake.close();
  });

  it("takes OPENAI_BASE_URL without a key", async () => {
    const fake = await startFakeProvider();
    const [provider] = environmentProviders({ OPENAI_BASE_URL: fake.baseUrl });
    expect(await provider?.models()).toHaveLength(1);
    expect(fake.listCalls[0]?.headers.authorization).toBeUndefined();
    await fake.close();
  });

  it("refuses a base URL that cannot be used", () => {
    expect(() => environmentProviders({ OPENAI_BASE_URL: "llama" })).toThrow(
      expect.objectContaining({ code: "invalid-request" }),
    );
  });
});

function hang(_url: string, { signal }: Parameters<FetchLike>[1]): ReturnType<FetchLike> {
  return new Promise((_resolve, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason as Error));
  });
}

function routed(hosts: Record<string, string>): FetchLike {
  return (url, init) => {
    const { host, pathname } = new URL(url);
    const baseUrl = hosts[host];
    if (baseUrl === undefined) return Promise.reject(new Error("nothing there"));
    return fetch(new URL(pathname, baseUrl), init);
  };
}
