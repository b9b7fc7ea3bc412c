import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import fc from "fast-check";
import { expect, test } from "vitest";
import { encodeSse } from "../../src/protocol/sse-encode.ts";
import { launchBrowser } from "../support/browser.ts";

const BLOCKS = 1_000;

/** Any Unicode that UTF-8 can carry, with more line breaks and marks of the format than chance would bring. */
const text = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom("\r", "\n", "\r\n", " ", ":", "🌊", "data: x", "\uFEFF") },
  ),
});
const field = text.map((value) => value.replace(/[\r\n\0]/g, ""));
const block = fc.record({ id: field, event: field.filter((name) => name !== ""), data: text });

test("Chromium's EventSource decodes what is encoded as it was", async () => {
  const blocks = fc.sample(block, { numRuns: BLOCKS, seed: 7 });
  const body = blocks.map(encodeSse).join("");
  const server = createServer((request, response) => {
    if (request.url !== "/events") return void response.end("<!doctype html>");
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(body);
    // Open until the browser has read it: the end of a body would make it ask again.
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launchBrowser();
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const names = [...new Set(blocks.map(({ event }) => wellFormed(event)))];
    const seen = await page.evaluate(
      ({ names, count }) =>
        new Promise((resolve) => {
          const source = new EventSource("/events");
          const got: unknown[] = [];
          const take = ({ type, lastEventId, data }: MessageEvent) => {
            got.push({ id: lastEventId, event: type, data });
            if (got.length === count) resolve(got);
          };
          for (const name of names) source.addEventListener(name, take);
        }),
      { names, count: BLOCKS },
    );
    expect(seen).toEqual(
      blocks.map(({ id, event, data }) => ({
        id: wellFormed(id),
        event: wellFormed(event),
        // [SSE parsing] each of CR, LF and CRLF ends a line; the reader joins lines with LF.
        data: wellFormed(data).replace(/\r\n|\r/g, "\n"),
      })),
    );
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
});

/** Half a surrogate pair cannot be sent in UTF-8. */
function wellFormed(value: string): string {
  return new TextDecoder("utf-8", { ignoreBOM: true }).decode(new TextEncoder().encode(value));
}
