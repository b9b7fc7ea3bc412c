// The same feed over SSE, WebSocket and polling, on http://127.0.0.1:3000. Node runs this file from 22.18 on.
import { readFile } from "node:fs/promises";
import { createServer as createHttpServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createServer } from "millrace";
import { parseStreamName } from "millrace/protocol";
import { WebSocketServer } from "ws";
import { startWire } from "./wire.ts";

const TEXT =
  `A mill race is a narrow channel that carries a steady stream. Still banks, moving water. The wheel does not ask
how far the river has come, or what it carried past the bend; it takes what arrives, in the order in which it arrives, and
turns. When the gate falls the race runs dry, and the river goes on without it. What matters is the moment when the gate is
lifted again: does the water that was held back come through, all of it and none of it twice, or does the wheel begin to turn
with whatever passes by, as if nothing had been missed?`.split(/\s+/);

const WORDS_PER_SECOND = 12;
const OUTAGE_MS = 3_000;
const HISTORY = 2_000;
const FEED = parseStreamName("feed");
const FILES = {
  "/": "text/html",
  "/page.css": "text/css",
  "/page.js": "text/javascript",
  "/lanes.js": "text/javascript",
};

/** One word of the feed. */
interface Word {
  n: number;
  word: string;
  /** Milliseconds since 1970. */
  at: number;
}

export async function serve(port: number) {
  const history: Word[] = [];
  const plain = createHttpServer(answerPolls(history));
  const sockets = new WebSocketServer({ server: plain });
  const plainPort = await listen(plain, 0);

  const page = createHttpServer();
  const url = `http://127.0.0.1:${await listen(page, port)}`;
  const millrace = await createServer({ log: "memory", hasPages: false, allowedOrigins: [url] });
  const millracePort = Number(new URL(await millrace.listen(0)).port);

  const wires = {
    sse: await startWire(millracePort),
    websocket: await startWire(plainPort),
    polling: await startWire(plainPort),
  };
  page.on("request", answerPage(wires));

  let n = 0;
  const timer = setInterval(() => {
    n += 1;
    const word = { n, word: TEXT[(n - 1) % TEXT.length] ?? "", at: Date.now() };
    const data = JSON.stringify(word);
    void millrace.log.append(FEED, [{ data }], { create: { kind: "log" } });
    for (const socket of sockets.clients) socket.send(data);
    history.push(word);
    if (history.length > HISTORY) history.shift();
  }, 1_000 / WORDS_PER_SECOND);

  return {
    url,
    async close() {
      clearInterval(timer);
      for (const wire of Object.values(wires)) wire.close();
      for (const socket of sockets.clients) socket.terminate();
      await millrace.close();
      await Promise.all([plain, page].map(close));
    },
  };
}

/** `GET /?after=n`: what came after n; without it, where the feed is. */
function answerPolls(history: Word[]): RequestListener {
  return (request, response) => {
    const after = new URL(request.url ?? "/", "http://host").searchParams.get("after");
    const words = after === null ? [] : history.filter(({ n }) => n > Number(after));
    response.setHeader("Access-Control-Allow-Origin", "*");
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify({ words, next: history.at(-1)?.n ?? 0 }));
  };
}

/** The page, what went over the wires four times a second, and the button. */
function answerPage(wires: Record<string, Awaited<ReturnType<typeof startWire>>>): RequestListener {
  return (request, response) => {
    const path = request.url ?? "/";
    if (path === "/cut" && request.method === "POST") {
      for (const wire of Object.values(wires)) wire.cut(OUTAGE_MS);
      response.writeHead(204).end();
    } else if (path === "/counts") {
      response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
      const tell = () => response.write(`data: ${JSON.stringify(wires)}\n\n`);
      tell();
      const timer = setInterval(tell, 250);
      response.on("close", () => clearInterval(timer));
    } else if (path in FILES) {
      const file = path === "/" ? "index.html" : path.slice(1);
      response.setHeader("Content-Type", `${FILES[path as keyof typeof FILES]}; charset=utf-8`);
      void readFile(new URL(file, import.meta.url)).then((text) => response.end(text));
    } else response.writeHead(404).end();
  };
}

function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve) => {
    server.listen(port, "127.0.0.1", () => resolve((server.address() as AddressInfo).port)); // it listens on a port
  });
}

async function close(server: Server) {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
}

if (process.argv[1]?.endsWith("transports/server.ts")) console.log((await serve(3000)).url);
