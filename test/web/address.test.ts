import { describe, expect, it } from "vitest";
import { curlLine, readAddress, streamUrl, writeAddress } from "../../web/address.ts";

describe("the address", () => {
  const question = { prompt: "Why & how? 100 % “sure”", key: "k1", model: "guide" };

  it("brings an answer back as it was asked", () => {
    expect(readAddress(writeAddress(question, "k3j9x0q2.0"))).toEqual({
      type: "answer",
      question,
      start: "k3j9x0q2.0",
    });
    const plain = { prompt: "Why?", key: "k2" };
    expect(readAddress(writeAddress(plain, "k3j9x0q2.0"))).toMatchObject({ question: plain });
  });

  it("only drafts a question that has no cursor, so that no link starts a run", () => {
    expect(readAddress("?q=Why%3F&k=k1")).toEqual({ type: "draft", prompt: "Why?" });
    expect(readAddress("?q=Why%3F")).toEqual({ type: "draft", prompt: "Why?" });
    expect(readAddress("")).toEqual({ type: "empty" });
  });

  it("names the run by prompt, model and key", () => {
    expect(streamUrl(question)).toBe(
      "/stream?prompt=Why%20%26%20how%3F%20100%20%25%20%E2%80%9Csure%E2%80%9D&model=guide&key=k1",
    );
  });

  it("writes a curl line that a shell reads as one word", () => {
    expect(curlLine("http://127.0.0.1:4000", { prompt: "What's SSE?", key: "k" })).toBe(
      "curl -N -H 'Accept: text/event-stream' 'http://127.0.0.1:4000/stream?prompt=What%27s%20SSE%3F&key=k'",
    );
  });
});
