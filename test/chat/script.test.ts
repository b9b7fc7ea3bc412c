import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScriptProvider, parseScript, scriptTokens } from "../../src/chat/script.ts";
import { createFakeClock } from "../support/fake-clock.ts";
import { collect } from "../support/collect.ts";

describe("scriptTokens", () => {
  it("gives exactly as many tokens as asked, none empty, the same for the same seed", () => {
    fc.assert(
      fc.property(fc.nat(400), fc.nat(4_294_967_295), fc.boolean(), (tokens, seed, markdown) => {
        const options = { tokens, seed, markdown };
        const written = [...scriptTokens(options)];
        expect(written).toHaveLength(tokens);
        expect(written.every((token) => token !== "")).toBe(true);
        expect([...scriptTokens(options)]).toEqual(written);
      }),
    );
  });

  it("never changes", () => {
    expect([...scriptTokens({ tokens: 6, seed: 7 })].join("")).toMatchInlineSnapshot(
      `"Yo lumoga godiso li kuyogo de."`,
    );
  });

  it("gives another text for another seed", () => {
    expect(textOf(1)).not.toBe(textOf(2));
  });

  it("mixes headings, lists, code, tables, HTML and characters beyond the BMP with markdown", () => {
    const text = [...scriptTokens({ tokens: 5_000, seed: 1, markdown: true })].join("");
    for (const part of [
      /^## \w/m,
      /^- \*\*/m,
      /^```ts$/m,
      /^\| --- \| --- \|$/m,
      /<script>/,
      /[\u{10000}-\u{10ffff}]/u,
    ]) {
      expect(text).toMatch(part);
    }
  });

  it("leaves no code fence open", () => {
    fc.assert(
      fc.property(fc.nat(200), fc.nat(), (tokens, seed) => {
        const text = [...scriptTokens({ tokens, seed, markdown: true })].join("");
        expect((text.match(/^```/gm) ?? []).length % 2).toBe(0);
      }),
    );
  });
});

describe("parseScript", () => {
  it("fills in what the prompt leaves out", () => {
    expect(parseScript(" tokens=5\n seed=9 markdown=true ")).toEqual({
      tokens: 5,
      rate: 50,
      seed: 9,
      reasoning: 0,
      delay: 0,
      fail: Number.POSITIVE_INFINITY,
      markdown: true,
    });
  });

  it.each(["speed=5", "Why is the sky blue?", "toString=1", "markdown=yes"])(
    "refuses %j and says what it knows",
    (prompt) => {
      expect(() => parseScript(prompt)).toThrow(
        expect.objectContaining({
          code: "provider-refused",
          message: expect.stringMatching(/tokens, rate, seed, reasoning, delay, fail and markdown/),
        }),
      );
    },
  );

  it.each(["tokens=-1", "tokens=1e3", "tokens=", "tokens=99999999", "rate=fast"])("refuses %j", (prompt) => {
    expect(() => parseScript(prompt)).toThrow(expect.objectContaining({ code: "provider-refused" }));
  });
});

describe("the script model", () => {
  it("writes the tokens of its script, then says what it used", async () => {
    const { text, finish } = await collect(
      createScriptProvider(createFakeClock()),
      "tokens=500 rate=100 seed=7",
    );
    expect(text).toBe([...scriptTokens({ tokens: 500, seed: 7 })].join(""));
    expect(finish).toEqual({ type: "finish", reason: "stop", usage: { inputTokens: 3, outputTokens: 500 } });
  });

  it("obeys the last user message", async () => {
    const { events } = await collect(createScriptProvider(createFakeClock()), {
      messages: [
        { role: "user", text: "tokens=50" },
        { role: "assistant", text: "…" },
        { role: "user", text: "tokens=2" },
        { role: "system", text: "Be brief." },
      ],
    });
    expect(events).toHaveLength(3);
  });

  it.each([1, 100, 2_000, 20_000])(
    "keeps a rate of %i per second by its schedule, though timers are late",
    async (rate) => {
      const clock = createFakeClock();
      clock.lagMs = 7;
      await collect(createScriptProvider(clock), `tokens=${rate * 2 + 1} rate=${rate}`);
      expect(clock.now()).toBeGreaterThanOrEqual(2_000);
      expect(clock.now()).toBeLessThan(2_020);
    },
  );

  it("gives others a turn after each 256 tokens when it runs flat out", async () => {
    const clock = createFakeClock();
    await collect(createScriptProvider(clock), "tokens=1024 rate=0");
    expect(clock.sleeps).toEqual([0, 0, 0]);
  });

  it("thinks first, after a delay", async () => {
    const clock = createFakeClock();
    const { events, reasoning, finish } = await collect(
      createScriptProvider(clock),
      "reasoning=3 tokens=2 delay=1500 rate=0",
    );
    expect(events.map(({ type }) => type)).toEqual([
      "reasoning",
      "reasoning",
      "reasoning",
      "text",
      "text",
      "finish",
    ]);
    expect(reasoning).toMatch(/^\w+ \w+ \w+$/);
    expect(finish?.usage?.outputTokens).toBe(5);
    expect(clock.sleeps).toEqual([1500]);
  });

  it.each([0, 3, 5])("fails after token %i of 5", async (count) => {
    const { events, error } = await collect(
      createScriptProvider(createFakeClock()),
      `tokens=5 fail=${count}`,
    );
    expect(events).toHaveLength(count);
    expect(error).toMatchObject({
      code: "provider-failed",
      message: expect.stringContaining(`token ${count}`),
    });
  });

  it("ends with length at the limit of the request", async () => {
    const { events, finish } = await collect(createScriptProvider(createFakeClock()), {
      messages: [{ role: "user", text: "tokens=9" }],
      maxTokens: 4,
    });
    expect(events).toHaveLength(5);
    expect(finish?.reason).toBe("length");
  });

  it("refuses a prompt that is no script", async () => {
    const { error, events } = await collect(createScriptProvider(createFakeClock()), "hello");
    expect(events).toEqual([]);
    expect(error?.code).toBe("provider-refused");
  });

  it("stops at once when it is aborted, also while it waits", async () => {
    const controller = new AbortController();
    const answer = createScriptProvider().generate(
      { model: "script", messages: [{ role: "user", text: "delay=600000" }] },
      controller.signal,
    );
    const first = answer[Symbol.asyncIterator]().next();
    controller.abort(new Error("stopped by a test"));
    await expect(first).rejects.toThrow("stopped by a test");
  });

  it("is offered as script", async () => {
    expect(await createScriptProvider().models()).toMatchObject([{ id: "script", origin: "built in" }]);
  });
});

function textOf(seed: number): string {
  return [...scriptTokens({ tokens: 20, seed })].join("");
}
