import { get } from "node:http";
import type { IncomingMessage } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { connect } from "node:net";
import { createBrotliDecompress, createGunzip } from "node:zlib";
import compression from "compression";
import { EventSource } from "eventsource";
import express from "express";
import { afterEach, beforeEach, expect, test } from "vitest";
import { EVENTS, blocks, gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { startNginx } from "../support/nginx.ts";
import { readStream } from "../support/reader.ts";

let app: TestServer;
let url = "";
beforeEach(async () => {
  app = await startApp();
  url = await app.server.listen(0);
  await app.send("POST", "/v1/streams/done?close=true", [{ n: 1 }, { text: "wörd 🌊" }, { n: 3 }]);
});
afterEach(() => app[Symbol.asyncDispose]());

/** The body without what differs between two readers. */
function steady(body: string): string {
  return body.replace(/^retry: \d+$/m, "retry: N");
}

/** Sends bytes on one connection and gives what comes back until the other side ends it. */
function exchange(...requests: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname, () => socket.write(requests.join("")));
    let answer = "";
    socket.setEncoding("utf8");
    socket.on("data", (piece: string) => {
      answer += piece;
    });
    socket.on("end", () => resolve(answer));
    socket.on("error", reject);
  });
}

function request(path: string, { version = "1.1", method = "GET", more = "" } = {}): string {
  return `${method} ${path} HTTP/${version}\r\nHost: ${new URL(url).host}\r\nAccept: text/event-stream\r\n${more}\r\n`;
}

const LAST = { more: "Connection: close\r\n" };

test("fetch without a socket gives the same bytes as the socket", async () => {
  const head = await app.ask("/v1/streams/done", { headers: EVENTS });
  const socket = await fetch(`${url}/v1/streams/done`, { headers: EVENTS });
  for (const name of ["content-type", "cache-control", "x-accel-buffering", "vary"]) {
    expect(socket.headers.get(name)).toBe(head.headers.get(name));
  }
  const body = await head.text();
  expect(steady(await socket.text())).toBe(steady(body));
  expect(blocks(body)).toHaveLength(6);
});

test("the socket gives whole chunks and their end, and stays open for the next request", async () => {
  const answer = await exchange(request("/v1/streams/done"), request("/healthz", LAST));
  const [head = "", body = "", ...rest] = answer.split("\r\n\r\n");
  expect(head).toContain("Transfer-Encoding: chunked");
  expect(`${body}\r\n\r\n`).toMatch(/^[0-9a-f]+\r\nretry/);
  expect(answer).toContain('data: {"text":"wörd 🌊"}');
  expect(answer).toMatch(/\r\n0\r\n\r\nHTTP\/1\.1 200 OK/);
  expect(rest.join("")).toContain('{"status":"ok"}');
});

test("a request that waits behind an open stream gets its own answer whole", async () => {
  const answer = exchange(request("/v1/streams/live"), request("/v1/streams/done", LAST));
  await expect.poll(() => app.server.readers).toBeGreaterThan(0);
  await app.send("POST", "/v1/streams/live?close=true", [{ live: true }]);
  const both = await answer;
  expect(both.indexOf('{"live":true}')).toBeGreaterThan(0);
  expect(both.indexOf('{"live":true}')).toBeLessThan(both.indexOf('{"n":1}'));
  expect(both.match(/\r\n0\r\n\r\n/g)).toHaveLength(2);
  expect(both.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
});

test("HEAD has no body, so the next answer on the connection is not taken for one", async () => {
  const answer = await exchange(request("/v1/streams/done", { method: "HEAD" }), request("/healthz", LAST));
  expect(answer.split("\r\n\r\n")[1]).toMatch(/^HTTP\/1\.1 200 OK/);
  expect(answer).not.toContain("stream-start");
});

test("HTTP/1.0 gets the events without chunks", async () => {
  const answer = await exchange(request("/v1/streams/done", { version: "1.0" }));
  const [head = "", ...body] = answer.split("\r\n\r\n");
  expect(head.toLowerCase()).not.toContain("chunked");
  expect(steady(body.join("\r\n\r\n"))).toBe(
    steady(await (await app.ask("/v1/streams/done", { headers: EVENTS })).text()),
  );
});

test("a reader that goes away is forgotten", async () => {
  const response = await fetch(`${url}/v1/streams/live`, { headers: EVENTS });
  expect(app.server.readers).toBe(1);
  await response.body?.cancel();
  await expect.poll(() => app.server.readers).toBe(0);
});

/** Waits for an event before it lets the next one be written: what is held back in between never arrives. */
async function oneByOne(
  origin: string,
  decode: (response: IncomingMessage) => NodeJS.ReadableStream,
): Promise<string> {
  const gates = [gate(), gate(), gate()];
  app.told.answer = async function* () {
    for (const [index, { opened }] of gates.entries()) {
      await opened;
      yield { type: "text", text: `piece ${index}` };
    }
    yield { type: "finish", reason: "stop" };
  };
  const body = await new Promise<string>((resolve, reject) => {
    const headers = { ...EVENTS, "accept-encoding": "gzip, br" };
    get(`${origin}/stream?prompt=one+by+one`, { headers }, (response) => {
      let text = "";
      const take = (piece: string) => {
        text += piece;
        if (text.includes("stream-caught-up")) gates[0]?.open();
        if (text.includes("piece 0")) gates[1]?.open();
        if (text.includes("piece 1")) gates[2]?.open();
      };
      decode(response)
        .setEncoding("utf8")
        .on("data", take)
        .on("end", () => resolve(text))
        .on("error", reject);
    }).on("error", reject);
  });
  expect(body).toContain("piece 2");
  expect(body).toContain("event: end\ndata: {");
  return body;
}

function decompress(response: IncomingMessage): NodeJS.ReadableStream {
  const encoding = response.headers["content-encoding"];
  return encoding === "gzip"
    ? response.pipe(createGunzip())
    : encoding === "br"
      ? response.pipe(createBrotliDecompress())
      : response;
}

test("Express with compression in front lets each event through at once", async () => {
  const outer = express();
  outer.use(compression());
  outer.use((incoming, outgoing) => void app.server.handler(incoming, outgoing));
  const server = createServer(outer).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as AddressInfo;
  await oneByOne(`http://127.0.0.1:${port}`, decompress);
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
});

test("a default nginx in between lets each event through at once, and a reader resumes through it", async () => {
  await using nginx = await startNginx(url);
  await oneByOne(nginx.url, decompress);
  const report = await readStream({ url: `${nginx.url}/v1/streams/done`, kind: "log" });
  expect(report).toMatchObject({
    gaps: 0,
    doubles: 0,
    status: "stream-end",
    events: [{ n: 1 }, { text: "wörd 🌊" }, { n: 3 }],
  });
  const cursor =
    ((await (await app.ask("/v1/streams/done")).json()) as { events: { cursor: string }[] }).events[1]
      ?.cursor ?? "";
  const rest = await fetch(`${nginx.url}/v1/streams/done`, {
    headers: { ...EVENTS, "last-event-id": cursor },
  });
  expect(blocks(await rest.text()).filter(({ event }) => event === undefined)).toEqual([
    { id: expect.any(String), data: '{"n":3}' },
  ]);
});

test("the eventsource package reads a run to its end and is told to be quiet", async () => {
  const source = new EventSource(`${url}/stream?prompt=hello`);
  let text = "";
  source.addEventListener("message", (event) => {
    text += (JSON.parse(event.data as string) as { text: string }).text;
  });
  await new Promise((resolve) => source.addEventListener("end", resolve));
  expect(text).toBe("Hello there");
  source.close();
});
