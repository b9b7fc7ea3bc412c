/** A process of connections that do not get on: heads that come a byte a second, and readers that never read. Who is cut comes again. */
import { execFileSync } from "node:child_process";
import { connect } from "node:net";

// What they compute is none of the server's machine: they take what it and the readers leave. The bytes that they send are counted.
// The lowest priority would still have a share; idle threads have none.
execFileSync("chrt", ["--all-tasks", "--idle", "--pid", "0", String(process.pid)]);

/** The heads are spread over the second, so that their bytes come evenly. */
const TICK_MS = 10;
const TICKS = 100;
/** The server cuts who takes nothing, which one that never reads does not see: it leaves, and comes again, after that time. */
const STAY_MS = 45_000;

let slots = [];
let timer;
let begun = 0;
let ticks = 0;
const count = { opened: 0, cut: 0, bytes: 0 };

process.on("message", ({ id, type, ...options }) => {
  void handle(type, options).then(
    (answer) => process.send?.({ id, answer }),
    (error) => process.send?.({ id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function handle(type, options) {
  switch (type) {
    case "open":
      open(options);
      return {};
    case "count":
      return { ...count, open: slots.flat().filter(({ socket }) => socket !== undefined).length };
    case "close":
      close();
      return {};
    default:
      throw new Error(`The dawdlers do not know ${type}.`);
  }
}

/** @param {{port: number, path: string, heads: number, readers: number, within: number}} options
 *  The heads come `within` so many milliseconds: all at once, they would be cut all at once for ever. */
function open({ port, path, heads, readers, within }) {
  const head = `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n`;
  // One text for all: they are cut long before its end.
  const bytes = Array.from(`${head}X-Slow: ${"a".repeat(1_000)}`);
  const makeHead = () => ({
    port,
    socket: undefined,
    at: 0,
    act: sendByte,
    bytes,
    from: performance.now() + within * Math.random(),
  });
  const makeReader = () => ({ port, socket: undefined, at: 0, act: stay, request: `${head}\r\n` });
  slots = Array.from({ length: TICKS }, (_, slot) => [
    ...Array.from({ length: shareOf(heads, slot) }, makeHead),
    ...Array.from({ length: shareOf(readers, slot) }, makeReader),
  ]);
  begun = performance.now();
  ticks = 0;
  timer = setInterval(tick, TICK_MS);
}

function shareOf(total, slot) {
  return Math.floor(((slot + 1) * total) / TICKS) - Math.floor((slot * total) / TICKS);
}

/** Those whose turn it is, and what a late timer has left over. */
function tick() {
  const due = Math.floor((performance.now() - begun) / TICK_MS);
  for (; ticks < due; ticks++) for (const each of slots[ticks % TICKS]) each.act(each);
}

function sendByte(each) {
  if (performance.now() < each.from) return;
  if (each.socket === undefined) {
    come(each);
    each.socket.resume();
    each.at = 0;
  }
  each.socket.write(each.bytes[each.at], "latin1");
  each.at = Math.min(each.at + 1, each.bytes.length - 1);
  count.bytes += 1;
}

function stay(each) {
  if (each.socket === undefined) {
    come(each);
    each.socket.pause();
    each.socket.write(each.request, "latin1");
    // The first time for any part of it, so that as many come at each moment.
    each.until = performance.now() + STAY_MS * (each.hasStayed ? 0.8 + 0.4 * Math.random() : Math.random());
    each.hasStayed = true;
  } else if (performance.now() > each.until) each.socket.resetAndDestroy();
}

function come(each) {
  const socket = connect(each.port, "127.0.0.1");
  socket.on("error", () => {}); // `close` follows
  socket.on("close", () => {
    if (each.socket === socket) each.socket = undefined;
    count.cut += 1;
  });
  each.socket = socket;
  count.opened += 1;
}

function close() {
  clearInterval(timer);
  for (const { socket } of slots.flat()) socket?.resetAndDestroy();
  slots = [];
}
