import { describe, expect, it } from "vitest";
import { offsetOf, parseFrame } from "../../web/frame.ts";
import { frameBytes } from "../../web/wire.ts";

describe("a block of the stream", () => {
  it("is read by its name", () => {
    expect(parseFrame("message", '{"text":"Hello"}', "e.1")).toEqual({ type: "text", text: "Hello" });
    expect(parseFrame("reasoning", '{"text":"Hm","span":3}', "e.1")).toEqual({
      type: "reasoning",
      text: "Hm",
      span: 3,
    });
    expect(parseFrame("stream-start", '{"run":"r","stream":"runs/r"}', "e.0")).toEqual({
      type: "stream-start",
      run: "r",
      from: "e.0",
    });
    expect(parseFrame("ping", "{}", "")).toEqual({ type: "ping" });
  });

  it("says of an end what was measured", () => {
    const data = JSON.stringify({
      reason: "stop",
      usage: { outputTokens: 5 },
      timing: { firstTokenMs: 1, totalMs: 2, tokensPerSecond: null },
    });
    expect(parseFrame("end", data, "e.9")).toEqual({
      type: "end",
      reason: "stop",
      outputTokens: 5,
      firstTokenMs: 1,
    });
  });

  it("takes an end it does not know for an error, since an end is an end", () => {
    expect(parseFrame("end", '{"reason":"evaporated","error":{"code":"x","message":"Why."}}', "")).toEqual({
      type: "end",
      reason: "error",
      message: "Why.",
    });
  });

  it("is passed over if it makes no sense here", () => {
    expect(parseFrame("message", "not json", "e.1")).toBeUndefined();
    expect(parseFrame("message", '{"text":7}', "e.1")).toBeUndefined();
    expect(parseFrame("stream-start", "{}", "e.1")).toBeUndefined();
    expect(parseFrame("other", "{}", "e.1")).toBeUndefined();
  });

  it("weighs what it weighs on the wire", () => {
    expect(frameBytes("message", "e.1", '{"text":"é"}')).toBe(
      Buffer.byteLength('id: e.1\ndata: {"text":"é"}\n\n'),
    );
    expect(frameBytes("ping", "", "{}")).toBe(Buffer.byteLength("event: ping\ndata: {}\n\n"));
  });

  it("has its offset in its id", () => {
    expect(offsetOf("k3j9x0q2.17")).toBe(17);
    expect(offsetOf("")).toBeUndefined();
  });
});
