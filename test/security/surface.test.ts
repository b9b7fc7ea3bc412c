import { existsSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { EVENTS, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { open, sendRaw, statusOf } from "../support/raw-http.ts";

let app: TestServer;
let url = "";
beforeAll(async () => {
  app = await startApp({ hasPages: true, allowedOrigins: ["https://friend.example"] });
  url = await app.server.listen(0);
  await app.send("POST", "/v1/streams/open", { n: 1 });
});
afterAll(() => app[Symbol.asyncDispose]());

const host = () => new URL(url).host;
const get = (path: string, more = "") =>
  sendRaw(url, `GET ${path} HTTP/1.1\r\nHost: ${host()}\r\n${more}Connection: close\r\n\r\n`);

test.each([
  "/../../package.json",
  "/assets/../../package.json",
  "/..%2f..%2fpackage.json",
  "/%2e%2e/%2e%2e/package.json",
  "/assets/..%5c..%5cpackage.json",
  "/assets/%252e%252e/package.json",
  "/..\\..\\package.json",
  "//package.json",
  "/index.html%00.png",
  "/c/../../package.json",
  "/live/../../package.json",
  "/./.././../src/server.ts",
  `/${"a".repeat(5_000)}`,
  `/assets/${"%41".repeat(500)}`,
])("no path leads out of what is served: %s", async (path) => {
  expect(existsSync(new URL("../../package.json", import.meta.url))).toBe(true);
  const answer = await get(path);
  expect([400, 404]).toContain(statusOf(answer));
  expect(answer).not.toMatch(/"name": "millrace"|createServer/);
});

test.each([
  ["a%2fb", 400],
  ["a%00", 400],
  ["a%0d%0adata:%20x", 400],
  ["%63hats/x", 400],
  ["a//b", 400],
  [`${"a/".repeat(9)}a`, 400],
  ["a".repeat(201), 400],
  ["a\\b", 400],
])("a stream's name is written plainly, and %s is none", async (name, status) => {
  expect(statusOf(await get(`/v1/streams/${name}`))).toBe(status);
  const body = `POST /v1/streams/${name} HTTP/1.1\r\nHost: ${host()}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`;
  expect(statusOf(await sendRaw(url, body))).toBe(status);
});

test.each<[string, string, number]>([
  ["another host beside ours", "Host: HOST\r\nHost: evil.example", 421],
  ["another host before ours", "Host: evil.example\r\nHost: HOST", 421],
  ["no host", "X-Other: 1", 400],
  ["a host with a user in it", "Host: localhost@evil.example", 400],
  ["what a proxy would say of the host", "Host: evil.example\r\nX-Forwarded-Host: localhost", 421],
  ["a length and chunks", "Host: HOST\r\nContent-Length: 5\r\nTransfer-Encoding: chunked", 400],
  ["two lengths", "Host: HOST\r\nContent-Length: 5\r\nContent-Length: 6", 400],
  ["a folded line", "Host: HOST\r\nX-Other: a\r\n b", 400],
  ["a NUL", "Host: HOST\r\nX-Other: a\0b", 400],
  ["a line that ends with LF alone", "Host: HOST\nX-Other: b", 400],
  ["a space before the colon", "Host: HOST\r\nX-Other : b", 400],
  ["20 KB in one header", `Host: HOST\r\nX-Other: ${"a".repeat(20_480)}`, 431],
  ["3,000 headers", `Host: HOST\r\n${"X-Other: y\r\n".repeat(3_000)}X-Last: 1`, 431],
])("the headers are refused, and nothing behind them is read as a request: %s", async (_, head, status) => {
  const behind = "GET /healthz HTTP/1.1\r\nHost: HOST\r\nConnection: close\r\n\r\n";
  const isWhole = status === 421 || head.startsWith("Host: localhost@");
  const bytes = `GET /v1/streams/open HTTP/1.1\r\n${head}\r\n\r\n${isWhole ? "" : behind}`;
  const answer = await sendRaw(url, bytes.replaceAll("HOST", host()), 500);
  expect(statusOf(answer)).toBe(status);
  expect(answer).not.toContain('{"status":"ok"}');
});

test("a last event id of any bytes is told to be unknown, and comes back in nothing", async () => {
  for (const id of [
    "a".repeat(8_000),
    "\xff\xfe",
    '"><script>',
    "1\tdata: forged",
    "__proto__",
    "%0adata:%20x",
  ]) {
    const bytes = `GET /v1/streams/open HTTP/1.1\r\nHost: ${host()}\r\nAccept: text/event-stream\r\nLast-Event-ID: ${id}\r\n\r\n`;
    const answer = await new Promise<string>((resolve) => {
      let text = "";
      const socket = open(url, () => socket.write(Buffer.from(bytes, "latin1")));
      socket.setEncoding("latin1").on("data", (piece: string) => {
        text += piece;
        if (text.includes("stream-caught-up")) socket.destroy();
      });
      socket.on("close", () => resolve(text));
    });
    expect(answer).toContain('event: stream-reset\ndata: {"reason":"unknown-epoch"');
    expect(answer).not.toContain(id);
  }
});

test.each(["/v1/streams/open", "/v1/runs", "/v1/chat/completions", "/v1/chats", "/v1/signals/open"])(
  "JSON that is nested without end is refused before it is parsed, in little time: %s",
  async (path) => {
    for (const bomb of [
      "[".repeat(4_000_000),
      `${'{"a":'.repeat(500_000)}1${"}".repeat(500_000)}`,
      `{"a":${"[".repeat(300)}${"]".repeat(300)}}`,
    ]) {
      const parse = vi.spyOn(JSON, "parse");
      const response = await app.send("POST", path, bomb);
      // Parsing the first takes 350 ms, looking at it 0.
      const parsed = parse.mock.calls.map(([text]) => text);
      parse.mockRestore();
      expect(parsed.filter((text) => text.includes("[[[") || text.includes('{"a":{'))).toEqual([]);
      const { error } = (await response.json()) as { error: { code: string } };
      // Signals take 4,096 bytes.
      expect(["invalid-json", "body-too-large"]).toContain(error.code);
      expect(response.status).toBe(error.code === "invalid-json" ? 400 : 413);
    }
  },
);

test("what only looks nested is taken: brackets in a string, and 200 levels", async () => {
  const text = `${"[{".repeat(500)}\\"[[`;
  expect((await app.send("POST", "/v1/streams/deep", JSON.stringify({ text }))).status).toBe(201);
  const levels = `{"a":${"[".repeat(199)}"${"x".repeat(500)}"${"]".repeat(199)}}`;
  expect((await app.send("POST", "/v1/streams/deep", levels)).status).toBe(201);
  expect((await app.send("POST", "/v1/streams/deep", `[${levels}]`)).status).toBe(400);
});

test("a body that is compressed is not unpacked", async () => {
  const bomb = gzipSync(Buffer.alloc(100 * 1_048_576, " "));
  const before = process.memoryUsage().rss;
  const response = await fetch(`${url}/v1/streams/open`, {
    method: "POST",
    headers: { "content-type": "application/json", "content-encoding": "gzip" },
    body: bomb,
  });
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "invalid-json" } });
  expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1_048_576);
});

test("names of JavaScript's own are keys and members like others, and pollute nothing", async () => {
  await app.send("PUT", "/v1/streams/keys", { kind: "state" });
  const events = ["__proto__", "constructor", "toString", "hasOwnProperty"].map(
    (key) => `{"key":"${key}","__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}`,
  );
  expect((await app.send("POST", "/v1/streams/keys", `[${events.join(",")}]`)).status).toBe(201);
  const read = await (await app.ask("/v1/streams/keys")).text();
  for (const event of events) expect(read).toContain(event);
  expect(({} as { polluted?: number }).polluted).toBeUndefined();
  for (const path of ["/v1/runs", "/v1/chats"]) {
    const response = await app.send("POST", path, '{"__proto__":{"isAdmin":true},"prompt":"x","title":"x"}');
    expect(response.status).toBe(400);
  }
  for (const name of ["__proto__", "constructor", "prototype/x"]) {
    expect((await app.send("POST", `/v1/streams/${name}`, { n: 1 })).status).toBe(201);
    const page = (await (await app.ask(`/v1/streams/${name}`)).json()) as { events: object[] };
    expect(page.events).toHaveLength(1);
  }
});

const PATHS = [
  "/",
  "/healthz",
  "/v1/streams/open",
  "/v1/streams?stream=open",
  "/v1/chats",
  "/v1/models",
  "/stream?prompt=x",
  "/nothing",
];

test.each(PATHS)("no strange origin is answered by name, let alone with cookies: %s", async (path) => {
  for (const origin of [
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "https://friend.example.evil.example",
  ]) {
    for (const method of ["GET", "OPTIONS", "POST", "DELETE"]) {
      const response = await app.ask(path, {
        method,
        headers: { origin, ...EVENTS, "content-type": "application/json" },
        ...(method === "POST" && { body: "{}" }),
      });
      expect(response.headers.get("access-control-allow-origin"), `${method} ${origin}`).toBeNull();
      expect(response.headers.get("access-control-allow-credentials")).toBeNull();
      if (method === "POST" || method === "DELETE") expect(response.status).toBe(403);
      await response.body?.cancel();
    }
  }
});

test.each(["/", "/c/x1", "/live/scoreboard", "/stream?prompt=x"])(
  "a page's policy lets no inline script or style run, and nobody frame it: %s",
  async (path) => {
    const response = await app.ask(path, { headers: { accept: "text/html", "sec-fetch-mode": "navigate" } });
    expect(response.headers.get("content-type")).toContain("text/html");
    const policy = response.headers.get("content-security-policy") ?? "";
    const directives = new Map(
      policy.split(";").map((part) => {
        const [name = "", ...values] = part.trim().split(" ");
        return [name, values];
      }),
    );
    expect(directives.get("default-src")).toEqual(["'none'"]);
    expect(directives.get("frame-ancestors")).toEqual(["'none'"]);
    expect(directives.get("base-uri")).toEqual(["'none'"]);
    expect(policy).not.toMatch(/unsafe|\*|data:|https?:/);
    expect(directives.get("script-src")).toHaveLength(1);
    expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  },
);

test("names with long rows of what a pattern repeats are refused in no time", async () => {
  const rows = [
    "a".repeat(50_000),
    `${"a.".repeat(25_000)}localhost`,
    "127.".repeat(12_000),
    `${"~".repeat(190)}!`,
  ];
  const begun = performance.now();
  for (const row of rows) {
    await app.ask(`/v1/streams/${row}`);
    await app
      .ask("/v1/streams/open", { headers: { ...EVENTS, "last-event-id": row } })
      .then((response) => response.body?.cancel());
    await app.ask("/v1/models", { headers: { host: row, origin: `https://${row}` } });
    await app.ask(`/v1/chats?q=${row.slice(0, 2_000)}`);
    await app.ask("/v1/chat/completions", {
      method: "OPTIONS",
      headers: { origin: "https://friend.example", "access-control-request-headers": `x-stainless-${row}` },
    });
  }
  expect(performance.now() - begun).toBeLessThan(2_000);
});
