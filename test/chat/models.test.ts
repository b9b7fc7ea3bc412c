import { describe, expect, it } from "vitest";
import { createModelRegistry } from "../../src/chat/models.ts";
import type { Provider } from "../../src/chat/provider.ts";

const local = fakeProvider("ollama", ["llama3", "qwen3:8b"]);
const remote = fakeProvider("openai", ["gpt-5-mini", "llama3"]);
const guide = fakeProvider("guide", ["guide"]);
const script = fakeProvider("script", ["script"]);
const broken: Provider = {
  ...fakeProvider("broken", []),
  models: () => Promise.reject(new Error("not there")),
};

describe("the list", () => {
  it("has all models in the order of their providers, and a taken name with its provider", async () => {
    const list = await createModelRegistry([local, remote, guide]).list();
    expect(list.map(({ id }) => id)).toEqual(["llama3", "qwen3:8b", "gpt-5-mini", "openai/llama3", "guide"]);
    expect(list[3]?.origin).toBe("openai");
  });

  it("leaves out a provider that fails", async () => {
    const list = await createModelRegistry([broken, guide]).list();
    expect(list.map(({ id }) => id)).toEqual(["guide"]);
  });
});

describe("find", () => {
  const registry = createModelRegistry([local, broken, remote, guide]);

  it("gives a taken name to the first provider", async () => {
    expect(await registry.find("llama3")).toEqual({ provider: local, model: "llama3", id: "llama3" });
  });

  it("gives the later one by its listed name, as its provider calls it", async () => {
    expect(await registry.find("openai/llama3")).toEqual({
      provider: remote,
      model: "llama3",
      id: "openai/llama3",
    });
  });

  it("takes a provider's name before any model", async () => {
    expect(await registry.find("ollama/qwen3:8b")).toMatchObject({ provider: local, id: "qwen3:8b" });
  });

  it("does not find what is not there", async () => {
    expect(await registry.find("gpt-9")).toBeUndefined();
    expect(await registry.find("broken/x")).toBeUndefined();
    expect(await registry.find("")).toBeUndefined();
  });
});

describe("the default model", () => {
  it("is the configured one", async () => {
    expect(await defaultOf([local, remote, guide, script], "gpt-5-mini")).toBe("gpt-5-mini");
    expect(await defaultOf([local, remote, guide, script], "script")).toBe("script");
  });

  it("is the first that is not built in, where the configured one is not there", async () => {
    expect(await defaultOf([broken, local, remote, guide], "gpt-9")).toBe("llama3");
    expect(await defaultOf([remote, guide])).toBe("gpt-5-mini");
  });

  it("is the guide, where only built-in models are there", async () => {
    expect(await defaultOf([script, guide])).toBe("guide");
    expect(await defaultOf([script])).toBe("script");
  });

  it("is none, where there is no model", async () => {
    expect(await defaultOf([broken])).toBeUndefined();
  });
});

describe("suggest", () => {
  const registry = createModelRegistry([local, remote, guide, script]);

  it.each([
    ["llama", "llama3"],
    ["Guide", "guide"],
    ["giude", "guide"],
    ["gpt-5", "gpt-5-mini"],
    ["gpt5-mini", "gpt-5-mini"],
    ["qwen3", "qwen3:8b"],
    ["scirpt", "script"],
  ])("for %s names %s", async (wrong, right) => {
    expect(await registry.suggest(wrong)).toBe(right);
  });

  it.each(["claude-sonnet", "", "zz", "x".repeat(10_000)])(
    "names nothing where nothing is near",
    async (wrong) => {
      expect(await registry.suggest(wrong)).toBeUndefined();
    },
  );
});

function fakeProvider(name: string, ids: readonly string[]): Provider {
  return {
    name,
    models: () => Promise.resolve(ids.map((id) => ({ id, origin: name }))),
    generate: () => {
      throw new Error("is not asked");
    },
  };
}

async function defaultOf(providers: Provider[], configured?: string): Promise<string | undefined> {
  return (await createModelRegistry(providers, { configured }).find())?.id;
}
