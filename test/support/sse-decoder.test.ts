import fc from "fast-check";
import { expect, test } from "vitest";
import { createSseDecoder } from "./sse-decoder.ts";
import type { DecodedBlock } from "./sse-decoder.ts";

const STREAM =
  "\uFEFF: hello\r\nretry: 77\nid: a.1\rdata: 🌊\r\rid: a.2\n\nid\n\nid: b\0d\n\nevent: ping\r\ndata: 1\r\ndata: 2\r\n\r\nid: a.3\ndata: x\n\nid: half";
const BLOCKS = [
  { id: "a.1", event: undefined, data: "🌊" },
  { id: "a.2" },
  { id: "" },
  { id: undefined, event: "ping", data: "1\n2" },
  { id: "a.3", event: undefined, data: "x" },
];

test("gives the same blocks at any split of the bytes, ids alone among them, and no half block", () => {
  const bytes = new TextEncoder().encode(STREAM);
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 }), (sizes) => {
      const blocks: DecodedBlock[] = [];
      const retries: number[] = [];
      const decoder = createSseDecoder(
        (block) => blocks.push(block),
        (ms) => retries.push(ms),
      );
      for (let at = 0, index = 0; at < bytes.length; index++) {
        const size = sizes[index % sizes.length] ?? 1;
        decoder.feed(bytes.subarray(at, at + size));
        at += size;
      }
      expect(blocks).toEqual(BLOCKS);
      expect(retries).toEqual([77]);
    }),
  );
});
