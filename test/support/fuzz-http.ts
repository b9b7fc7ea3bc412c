import { connect } from "node:net";
import { breakText, makeStreamName, makeValue, makeWord } from "./fuzz.ts";
import { statusOf } from "./raw-http.ts";
import type { Random } from "./seeded.ts";

/** One request, as bytes, and where it is cut. */
export interface FuzzRequest {
  bytes: Buffer;
  /** Bytes after which the connection waits for a turn, and ends; absent: all are sent at once. */
  cutAt?: number;
}

const METHODS = [
  "GET",
  "GET",
  "GET",
  "POST",
  "POST",
  "POST",
  "PUT",
  "DELETE",
  "HEAD",
  "OPTIONS",
  "PATCH",
  "TRACE",
];

const pick = <T>(random: Random, list: readonly T[]): T => list[random.int(0, list.length - 1)] as T; // the list has some

export function makeRequest(random: Random, host: string): FuzzRequest {
  const method = pick(random, METHODS);
  const isBodied = method === "POST" || method === "PUT" || method === "PATCH" || random.next() < 0.05;
  const body = isBodied ? makeBody(random) : "";
  const head = [
    `${method} ${makePath(random)} HTTP/1.${random.next() < 0.95 ? 1 : 0}`,
    `Host: ${random.next() < 0.95 ? host : oneLine(makeWord(random))}`,
    ...(isBodied
      ? [
          `Content-Type: ${random.next() < 0.9 ? "application/json" : oneLine(makeWord(random))}`,
          random.next() < 0.97
            ? `Content-Length: ${Buffer.byteLength(body)}`
            : `Content-Length: ${random.int(0, 5_000_000)}`,
        ]
      : []),
    ...Array.from({ length: random.int(0, 3) }, () => makeHeader(random)),
    "Connection: close",
  ];
  const bytes = Buffer.from(`${head.join("\r\n")}\r\n\r\n${body}`);
  if (random.next() < 0.03)
    for (let n = 0; n < 3; n++) bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
  return random.next() < 0.1 ? { bytes, cutAt: random.int(0, bytes.length) } : { bytes };
}

function makePath(random: Random): string {
  const name = () => encodeLoosely(random, makeStreamName(random));
  const path = pick(random, [
    () => `/v1/streams/${name()}`,
    () => `/v1/streams/${name()}`,
    () => `/v1/streams?stream=${name()}&stream=${name()}&listen=${name()}`,
    () => `/v1/signals/${name()}`,
    () => `/v1/presence/${name()}`,
    () => "/v1/runs",
    () => `/v1/runs/${name()}/stop`,
    () => "/v1/chats",
    () => `/v1/chats?q=${encodeURIComponent(clean(makeWord(random)))}`,
    () => `/v1/chats/${name()}/${pick(random, ["messages", "stop", "regenerate", "continue", ""])}`,
    () => "/v1/chat/completions",
    () => `/v1/models/${name()}`,
    () => `/stream?prompt=${encodeURIComponent(clean(makeWord(random)))}`,
    () => `/${name()}`,
    () =>
      pick(random, [
        "/",
        "/healthz",
        "/readyz",
        "/metrics",
        "/openapi.json",
        "/docs",
        "/inspect",
        "/v1/tickets",
      ]),
  ])();
  const more = Array.from({ length: random.int(0, 2) }, () => {
    const key = pick(random, [
      "after",
      "last_event_id",
      "close",
      "live",
      "key",
      "model",
      "limit",
      "browser",
      "listen",
    ]);
    return `${key}=${encodeURIComponent(clean(makeWord(random)))}`;
  });
  const query = more.length === 0 ? "" : `${path.includes("?") ? "&" : "?"}${more.join("&")}`;
  return (
    oneLine(random.next() < 0.05 ? breakText(random, path + query) : path + query).replaceAll(" ", "%20") ||
    "/"
  );
}

function encodeLoosely(random: Random, text: string): string {
  return random.next() < 0.5 ? encodeURI(clean(text)) : oneLine(text).replaceAll(" ", "");
}

function makeHeader(random: Random): string {
  const [name, values] = pick(random, [
    ["Accept", ["text/event-stream", "text/html", "*/*", ""]],
    ["Last-Event-ID", ["22oh9havj1.5", "aaaaaaaa.0~bbbbbbbb.1"]],
    ["Idempotency-Key", ["k1", "k2", "k3"]],
    ["Origin", ["null", "https://evil.example", "http://localhost"]],
    ["Content-Encoding", ["gzip", "identity"]],
    ["Transfer-Encoding", ["chunked", "gzip"]],
    ["Sec-Fetch-Mode", ["navigate", "cors"]],
    ["Cookie", ["a=b"]],
    ["Authorization", ["Bearer x", "Basic x"]],
    ["Expect", ["100-continue"]],
    ["Range", ["bytes=0-1"]],
    ["X-Millrace-Persist", ["1"]],
  ] as const);
  return `${name}: ${random.next() < 0.7 ? pick<string>(random, values) : oneLine(makeWord(random))}`;
}

function makeBody(random: Random): string {
  const said = JSON.stringify({
    type: "x",
    key: pick(random, ["a", "b", "__proto__"]),
    text: makeWord(random),
  });
  const body = pick(random, [
    () => said,
    () => `[${said},${said}]`,
    () => JSON.stringify({ prompt: makeWord(random) }),
    () =>
      JSON.stringify({
        kind: pick(random, ["log", "state", "chat"]),
        retention: { maxEvents: random.int(-1, 50) },
      }),
    () =>
      JSON.stringify({
        messages: [{ role: "user", content: makeWord(random) }],
        stream: random.next() < 0.5,
      }),
    () => JSON.stringify({ text: makeWord(random), kind: "typing" }),
    () => JSON.stringify(makeValue(random)) ?? "",
    () => "[".repeat(random.int(1, 5_000)),
  ])();
  return random.next() < 0.2 ? breakText(random, body) : body;
}

/** What a line of a head can hold. */
function oneLine(text: string): string {
  return text.replace(/[\r\n]/g, "").slice(0, 2_000);
}

/** What can be escaped: no half of a pair. */
function clean(text: string): string {
  return text.replace(/[\uD800-\uDFFF]/g, "").slice(0, 500);
}

/** Sends a request and reads the answer, of events only what comes at once.
 *  Errors: an Error where the answer is none, takes longer than `limitMs`, or is a failure of the server. */
export function sendFuzz(port: number, { bytes, cutAt }: FuzzRequest, limitMs: number): Promise<number> {
  return new Promise((resolve, reject) => {
    let answer = "";
    const socket = connect(port, "127.0.0.1", () => {
      socket.write(cutAt === undefined ? bytes : bytes.subarray(0, cutAt));
      if (cutAt !== undefined) setImmediate(() => (bytes.length % 2 === 0 ? socket.destroy() : socket.end()));
    });
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no end within ${limitMs} ms; so far: ${answer.slice(0, 300)}`));
    }, limitMs);
    socket.setEncoding("latin1");
    socket.on("data", (piece: string) => {
      if (answer.length < 100_000) answer += piece;
      // Open until the reader has enough.
      if (/^content-type: text\/event-stream/im.test(answer) && answer.includes("\n\n")) socket.destroy();
    });
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearTimeout(timer);
      const status = statusOf(answer);
      if (answer !== "" && status === 0) reject(new Error(`no answer of HTTP: ${answer.slice(0, 300)}`));
      else if (status === 500 || /"code":"internal"/.test(answer))
        reject(new Error(`the server failed: ${answer.slice(0, 300)}`));
      else resolve(status);
    });
  });
}
