import { createParser } from "eventsource-parser";
import type { EventSourceMessage } from "eventsource-parser";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSse } from "../../src/protocol/sse-encode.ts";
import vectors from "../vectors/sse.json" with { type: "json" };

/** Any Unicode, with more line breaks than chance would bring. */
const text = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom("\r", "\n", "\r\n", " ", ":", "🌊", "data: x", "\uFEFF") },
  ),
});
const field = text.map((value) => value.replace(/[\r\n\0]/g, ""));

/** Half a surrogate pair cannot be sent in UTF-8. */
function wellFormed(value: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(value));
}

function decode(bytes: Uint8Array, sizes: readonly number[]): EventSourceMessage[] {
  const messages: EventSourceMessage[] = [];
  const parser = createParser({ onEvent: (message) => messages.push(message) });
  const decoder = new TextDecoder();
  for (let at = 0, index = 0; at < bytes.length; index++) {
    const size = sizes.length === 0 ? bytes.length : (sizes[index % sizes.length] ?? 1);
    parser.feed(decoder.decode(bytes.subarray(at, at + size), { stream: true }));
    at += size;
  }
  return messages;
}

test("what is encoded is decoded as it was, at any split of the bytes", () => {
  const block = fc.record({ id: field, event: field.filter((name) => name !== ""), data: text });
  fc.assert(
    fc.property(
      fc.array(block, { minLength: 1, maxLength: 4 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 5 }),
      (given, sizes) => {
        const bytes = new TextEncoder().encode(given.map(encodeSse).join(""));
        // [SSE parsing] each of CR, LF and CRLF ends a line; the reader joins lines with LF.
        const expected = given.map(({ id, event, data }) => ({
          id,
          event,
          data: wellFormed(data).replace(/\r\n|\r/g, "\n"),
        }));
        expect(decode(bytes, sizes)).toEqual(
          expected.map((one) => ({ ...one, id: wellFormed(one.id), event: wellFormed(one.event) })),
        );
      },
    ),
    { numRuns: 500 },
  );
});

test.each(["\r", "\n", "\0", "a\rb", "a\ndata: forged", "\r\n"])(
  "never lets %j out of an id or a name",
  (value) => {
    expect(() => encodeSse({ id: value, data: "x" })).toThrow("holds CR, LF or NUL");
    expect(() => encodeSse({ event: value, data: "x" })).toThrow("holds CR, LF or NUL");
  },
);

test.each([-1, 1.5, Number.NaN, Infinity])("never writes %d as retry", (retry) => {
  expect(() => encodeSse({ retry })).toThrow("no whole number");
});

test("a comment cannot become an event", () => {
  expect(decode(new TextEncoder().encode(encodeSse({ comment: "a\ndata: b\rdata: c" })), [])).toEqual([]);
});

test.each(vectors)("vector: $name", ({ block, text: expected }) => {
  expect(encodeSse(block)).toBe(expected);
});
