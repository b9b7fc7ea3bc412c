import { createParser } from "eventsource-parser";
import fc from "fast-check";
import { Stream } from "openai/streaming";
import { expect, test } from "vitest";
import { readEvents } from "../../src/client/fetch-reader.ts";
import { readEvents as readForCommand } from "../../src/cli/event-reader.ts";
import { encodeSse } from "../../src/protocol/sse-encode.ts";
import { EVENTS, readUntil, startApp } from "../support/app.ts";
import { serve } from "../support/sse-servers.ts";

// What went wrong in other servers and clients of event streams, and must not here.

const BREAKS = ["\r", "\n", "\r\n", "\n\n", "\r\r", "\0"];
const FORGED = "data: forged";

test.each([
  ["Hono, CVE-2026-29085, GHSA-p6xx-57qc-3wxr", ["event", "id", "retry"]],
  ["h3, CVE-2026-33128, GHSA-22cc-p3c6-wpvm, GHSA-4hxc-9384-m385", ["id", "event", "data", "comment"]],
  ["Spring, CVE-2026-22735", ["data"]],
  ["eventsource-encoder, CVE-2026-44214", ["event", "id"]],
  ["sse-channel, CVE-2026-44217", ["event", "id", "retry"]],
  [
    "mercure 1259, nest 16686, javalin 2579, fastify-sse-v2 110, express-sse 60, @fastify/sse 0.6",
    ["event", "id"],
  ],
  ["nchan 1.3.7, which splits at LF alone", ["data"]],
] as const)("no field lets another out: %s", (_, fields) => {
  for (const field of fields) {
    for (const line of BREAKS) {
      const value = `x${line}${FORGED}${line}${line}`;
      const block = { data: "true", [field]: value };
      let text = "";
      try {
        text = encodeSse(block);
      } catch {
        expect(["id", "event", "retry"]).toContain(field);
        continue;
      }
      // Only what a reader joins again may hold a break.
      expect(["data", "comment"]).toContain(field);
      const events = decodeByTheBook(text);
      expect(events).toHaveLength(1);
      expect(events[0]?.data.startsWith("forged")).toBe(false);
    }
  }
});

test("what people write comes to readers as one line of JSON: no CR, LF or NUL is left in it (Spring, nchan)", async () => {
  await using app = await startApp();
  const text = BREAKS.map((line) => `x${line}${FORGED}${line}${line}`).join("");
  await app.send("POST", "/v1/streams/a", { type: text, [text]: text });
  const body = await readUntil(await app.ask("/v1/streams/a", { headers: EVENTS }), "stream-caught-up");
  expect(body.split("\n").filter((line) => line.includes("forged"))).toHaveLength(1);
  expect(body).not.toMatch(/\r|\0/);
  const signal = await app.send("POST", "/v1/signals/a", { kind: "typing\ndata: forged" });
  expect(signal.status).toBe(400);
});

test("events of the server's own cannot be forged under a reserved name, and an unknown id leaks nothing (mercure 1259)", async () => {
  await using app = await startApp();
  for (const name of ["chats/x", "runs/x", "people/local/chats", "sys/server"])
    expect((await app.send("POST", `/v1/streams/${name}`, { type: "message-end" })).status).toBe(403);
  await app.send("POST", "/v1/streams/secret", { n: 1 });
  const secret = ((await (await app.ask("/v1/streams/secret")).json()) as { head: string }).head;
  await app.send("POST", "/v1/streams/open", { n: 1 });
  const headers = { ...EVENTS, "last-event-id": secret };
  const body = await readUntil(await app.ask("/v1/streams/open", { headers }), "stream-caught-up");
  expect(body).toContain('"reason":"unknown-epoch"');
  expect(body).not.toContain(secret);
});

test("an unknown id does not have the whole history looked through: the answer takes as long as a known one (mercure 1259)", async () => {
  await using app = await startApp();
  for (let n = 0; n < 10; n++)
    await app.send(
      "POST",
      "/v1/streams/long",
      Array.from({ length: 1_000 }, (_, index) => ({ n: n * 1_000 + index })),
    );
  const readPage = async (after: string) => (await app.ask(`/v1/streams/long?after=${after}`)).json();
  expect(await readPage("aaaaaaaa.5")).toMatchObject({ reset: "unknown-epoch", events: { length: 1_000 } });
});

test("replay is of the stream that was asked for, whoever's cursor is brought (frontmcp GHSA-84j6-jc92-77jm)", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/theirs", [{ text: "private" }, { text: "private" }]);
  await app.send("POST", "/v1/streams/mine?close=true", { text: "mine" });
  const page = (await (await app.ask("/v1/streams/theirs")).json()) as { events: { cursor: string }[] };
  const id = page.events[0]?.cursor ?? "";
  for (const path of ["/v1/streams/mine", "/v1/streams?stream=mine"]) {
    const body = await (await app.ask(path, { headers: { ...EVENTS, "last-event-id": id } })).text();
    expect(body).toContain("mine");
    expect(body).not.toContain("private");
  }
});

/** A body without an end of line that goes on until nobody reads it. */
async function startEndless(): Promise<AsyncDisposable & { url: string; sent: () => number }> {
  let sent = 0;
  const server = await serve((_, response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write("data: ");
    const more = () => {
      while (!response.destroyed && sent < 256 * 1_048_576) {
        sent += 65_536;
        if (!response.write("x".repeat(65_536))) return;
      }
    };
    response.on("drain", more);
    more();
  });
  return { url: server.url, sent: () => sent, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

test("a line without an end is cut by the client (a2a-js 582, ruby-mcp-client 192, eventsource-parser 32)", async () => {
  await using server = await startEndless();
  const handlers = { onOpen() {}, onBlock() {}, onRetry() {}, onEnded() {}, onFailed() {} };
  await expect(readEvents(server.url, {}, new AbortController().signal, handlers)).rejects.toThrow();
  expect(server.sent()).toBeLessThan(32 * 1_048_576);
});

test("a line without an end is cut by the command (a2a-js 582)", async () => {
  await using server = await startEndless();
  const end = await readForCommand({
    url: server.url,
    onEvent: () => false,
    maxFailures: 1,
    sleep: () => Promise.resolve(),
  });
  expect(end).toEqual({ status: "unreachable" });
  expect(server.sent()).toBeLessThan(32 * 1_048_576);
});

test("a redirect to another origin gets no authorization (eventsource CVE-2022-1650)", async () => {
  const seen: (string | undefined)[] = [];
  await using other = await serve((request, response) => {
    seen.push(request.headers.authorization);
    response.writeHead(204).end();
  });
  await using server = await serve((_, response) => response.writeHead(302, { location: other.url }).end());
  let isEnded = false;
  const handlers = {
    onOpen() {},
    onBlock() {},
    onRetry() {},
    onEnded: () => (isEnded = true),
    onFailed() {},
  };
  const headers = { authorization: "Bearer secret" };
  await readEvents(server.url, { headers }, new AbortController().signal, handlers);
  expect({ isEnded, seen }).toEqual({ isEnded: true, seen: [undefined] });
});

/** The standard's own words as code, as slow and plain as they are: the oracle beside the decoders that people use.
 *  Source: WHATWG HTML 9.2.6. */
function decodeByTheBook(text: string): { id: string; event: string; data: string }[] {
  const events: { id: string; event: string; data: string }[] = [];
  let id = "";
  let event = "";
  let data = "";
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\n|\r/)) {
    if (line === "") {
      if (data !== "") events.push({ id, event, data: data.slice(0, -1) });
      event = data = "";
      continue;
    }
    const colon = line.indexOf(":");
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "event") event = value;
    if (name === "data") data += `${value}\n`;
    if (name === "id" && !value.includes("\0")) id = value;
  }
  return events;
}

const word = fc.string({
  unit: fc.oneof(
    { weight: 3, arbitrary: fc.string({ unit: "binary", maxLength: 3 }) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(...BREAKS, " ", ":", "🌊", FORGED, "\uFEFF", "id: 1", "event: x"),
    },
  ),
});

// The fourth is Chromium's, in test/e2e/sse-decode.test.ts.
test("three decoders read what was encoded, and nothing that was not: the standard's words, eventsource-parser, and OpenAI's", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ n: fc.nat(), text: word }), { minLength: 1, maxLength: 5 }),
      async (given) => {
        const text = given
          .map((data, n) => encodeSse({ id: `aaaaaaaa.${n}`, data: JSON.stringify(data) }))
          .join("");
        expect(decodeByTheBook(text).map(({ data }) => JSON.parse(data) as unknown)).toEqual(given);
        const parsed: unknown[] = [];
        createParser({ onEvent: ({ data }) => parsed.push(JSON.parse(data)) }).feed(text);
        expect(parsed).toEqual(given);
        const openai: unknown[] = [];
        for await (const data of Stream.fromSSEResponse(new Response(text), new AbortController()))
          openai.push(data);
        // UTF-8 has no halves of characters; JSON writes them as escapes.
        expect(openai).toEqual(given);
      },
    ),
    { numRuns: 200 },
  );
});
