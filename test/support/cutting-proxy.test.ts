import { once } from "node:events";
import { createServer } from "node:http";
import type { RequestListener, Server } from "node:http";
import { connect } from "node:net";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { startCuttingProxy } from "./cutting-proxy.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const EVENTS = Array.from({ length: 40 }, (_, n) => `id: aaaaaaaa.${n}\ndata: {"text":"🌊${n}"}\n\n`);
const asEvents: RequestListener = (_, response) => {
  response.sendDate = false;
  for (const event of EVENTS) response.write(event);
  response.end();
};

test("lets everything through, both ways, when it is not told to cut", async () => {
  const target = await serve((request, response) => request.pipe(response));
  await using proxy = await startCuttingProxy({ target });
  const body = "🌊".repeat(300_000);
  const response = await fetch(`http://127.0.0.1:${proxy.port}/`, { method: "POST", body });
  expect((await response.text()) === body).toBe(true);
  expect(proxy).toMatchObject({ cuts: 0, connections: 1 });
});

test("cuts at each byte it is told to: in heads, chunk sizes, UTF-8 sequences and fields", async () => {
  const target = await serve(asEvents);
  let at: number | undefined;
  await using proxy = await startCuttingProxy({ target, cutAfter: () => at });
  const whole = await readRaw(proxy.port);
  expect(whole.includes("🌊39")).toBe(true);
  for (let bytes = 1; bytes < whole.length; bytes += 7) {
    at = bytes;
    const part = await readRaw(proxy.port);
    expect(part.equals(whole.subarray(0, bytes)), `cut after ${bytes}`).toBe(true);
  }
  expect(proxy.cuts).toBe(Math.ceil((whole.length - 1) / 7));
});

test("cuts at its byte for a reader that is slow, too", async () => {
  const target = await serve((_, response) => response.end(Buffer.alloc(12_000_000, "x")));
  const at = 11_111_111;
  await using proxy = await startCuttingProxy({ target, cutAfter: () => at, mode: "end" });
  expect(await readRaw(proxy.port, true)).toHaveLength(at);
  expect(proxy).toMatchObject({ cuts: 1, bytes: at });
});

test("stalls without a word, until the client gives up", async () => {
  let isClosed = false;
  const target = await serve((request, response) => {
    request.socket.on("close", () => {
      isClosed = true;
    });
    for (const event of EVENTS) response.write(event);
  });
  await using proxy = await startCuttingProxy({ target, cutAfter: () => 400, mode: "stall" });
  const socket = connect(proxy.port, "127.0.0.1");
  socket.write("GET / HTTP/1.1\r\nhost: test\r\n\r\n");
  let length = 0;
  let ended = false;
  socket.on("data", (piece: Buffer) => {
    length += piece.length;
  });
  socket.on("close", () => {
    ended = true;
  });
  await expect.poll(() => isClosed, { message: "the target is let go" }).toBe(true);
  await expect.poll(() => length).toBe(400);
  expect(ended).toBe(false);
  expect(proxy.cuts).toBe(1);
  socket.destroy();
});

test("refuses connections for a while", async () => {
  const target = await serve((_, response) => response.end("there"));
  await using proxy = await startCuttingProxy({ target });
  const url = `http://127.0.0.1:${proxy.port}/`;
  proxy.setRefusing(true);
  await expect(fetch(url)).rejects.toThrow();
  proxy.setRefusing(false);
  expect(await (await fetch(url)).text()).toBe("there");
  expect(proxy).toMatchObject({ refusals: 1, connections: 1 });
});

test("goes to another target, and cuts what is open", async () => {
  const former = await serve((_, response) => void response.write("former"));
  const latter = await serve((_, response) => response.end("latter"));
  await using proxy = await startCuttingProxy({ target: former });
  const url = `http://127.0.0.1:${proxy.port}/`;
  const open = await fetch(url);
  proxy.setTarget(latter);
  expect(await (await fetch(url)).text()).toBe("latter");
  const reading = open.text();
  proxy.cutAll();
  await expect(reading).rejects.toThrow();
  expect(Number.isInteger(proxy.cuts)).toBe(true);
  expect(proxy.cuts).toBeGreaterThanOrEqual(1);
});

test("breaks the connection where nobody listens at the target", async () => {
  const target = await serve(asEvents);
  await using proxy = await startCuttingProxy({ target });
  const gone = servers.pop();
  gone?.close();
  await expect(fetch(`http://127.0.0.1:${proxy.port}/`)).rejects.toThrow();
});

async function serve(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  servers.push(server);
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // it listens on a port
}

/** What comes over the socket, to its end or its break. A slow reader takes one piece in each turn of the loop. */
function readRaw(port: number, isSlow = false): Promise<Buffer> {
  return new Promise((resolve) => {
    const pieces: Buffer[] = [];
    const socket = connect(port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n");
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      if (!isSlow) return;
      socket.pause();
      setImmediate(() => socket.resume());
    });
    socket.on("error", () => undefined); // a break is what is looked for: `close` follows
    socket.on("close", () => resolve(Buffer.concat(pieces)));
  });
}
