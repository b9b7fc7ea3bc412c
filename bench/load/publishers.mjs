/** A process that publishes over HTTP: raw sockets, hand-written requests, each connection awaits its answer. */
import { connect } from "node:net";
import { EVENT_BYTES, FENCE, makeEvent } from "./event.mjs";
import { runLoad } from "./schedule.mjs";

/** Node's servers wait 5 seconds for the next request. */
const MAX_IDLE_MS = 2_000;

let idle = [];
let waiting = [];
let target;
/** The same for an event that stands alone: the length is known. */
let plain;
/** What stands around an event. */
let body;
let port;

process.on("message", (message) => {
  void handle(message).then(
    (answer) => process.send?.({ id: message.id, answer }),
    (error) => process.send?.({ id: message.id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function handle({ type, ...options }) {
  switch (type) {
    case "open":
      await open(options);
      return {};
    case "load":
      return runLoad(options.load, (publisher, stream, event) => publish(stream, event));
    case "fence":
      await Promise.all(target.map((_, stream) => publish(stream, makeEvent(FENCE, options.sequence))));
      return {};
    default:
      throw new Error(`The publishers do not know ${type}.`);
  }
}

/** @param {{port: number, paths: string[], headers?: Record<string, string>, body?: [string, string], connections: number}} options */
async function open({ paths, headers = {}, connections, ...options }) {
  ({ port, body } = options);
  for (const { socket } of idle) socket.destroy();
  idle = [];
  waiting = [];
  const lines = Object.entries({ Host: `127.0.0.1:${port}`, "Content-Type": "application/json", ...headers })
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join("");
  target = paths.map((path) => `POST ${path} HTTP/1.1\r\n${lines}`);
  plain = target.map((head) => `${head}Content-Length: ${EVENT_BYTES}\r\n\r\n`);
  idle = await Promise.all(Array.from({ length: connections }, () => openConnection(port)));
}

async function publish(stream, event) {
  let connection = idle.pop() ?? (await new Promise((resolve) => void waiting.push(resolve)));
  // Servers close what was idle for some seconds, and may be about to.
  if (performance.now() - connection.usedAt > MAX_IDLE_MS) connection.socket.destroy();
  if (connection.socket.destroyed) connection = await openConnection(port);
  await connection.request(body === undefined ? plain[stream] + event : wrap(target[stream], event));
  connection.usedAt = performance.now();
  const next = waiting.shift();
  if (next === undefined) idle.push(connection);
  else next(connection);
}

function wrap(head, event) {
  const text = body[0] + JSON.stringify(event).slice(1, -1) + body[1];
  return `${head}Content-Length: ${text.length}\r\n\r\n${text}`;
}

/** One connection that is kept alive; its answers are read just far enough to know where they end. */
async function openConnection(port) {
  const socket = connect(port, "127.0.0.1");
  socket.setNoDelay(true);
  socket.setEncoding("latin1");
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  let text = "";
  let pending;
  socket.on("data", (piece) => {
    text += piece;
    if (!isWhole(text)) return;
    const { resolve, reject } = pending;
    const status = Number(text.slice(9, 12));
    if (/\r\nconnection: close/i.test(text)) socket.destroy();
    if (status >= 200 && status < 300) resolve();
    else reject(new Error(`A publish was refused: ${text.slice(0, 400)}`));
    text = "";
  });
  socket.on("error", () => undefined); // `close` follows
  socket.on("close", () => pending?.reject(new Error("The server closed a publisher's connection.")));
  return {
    socket,
    usedAt: performance.now(),
    request: (bytes) =>
      new Promise((resolve, reject) => {
        pending = { resolve, reject };
        socket.write(bytes, "latin1");
      }),
  };
}

function isWhole(text) {
  const end = text.indexOf("\r\n\r\n");
  if (end === -1) return false;
  const head = text.slice(0, end);
  if (head.startsWith("HTTP/1.1 204")) return true;
  const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return text.length >= end + 4 + Number(length);
  return text.endsWith("\r\n0\r\n\r\n");
}
