import { once } from "node:events";
import { createServer } from "node:http";
import type { Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { sha256 } from "../../src/protocol/hash.ts";
import { encodeSse } from "../../src/protocol/sse-encode.ts";
import { readStream } from "./reader.ts";

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

const END = encodeSse({ event: "stream-end", data: '{"reason":"closed"}' });

test.each([
  { name: "nothing where each follows on the other", offsets: [1, 2, 3], gaps: 0, doubles: 0 },
  { name: "a gap where one is left out", offsets: [1, 3, 4], gaps: 1, doubles: 0 },
  { name: "a double where one comes again", offsets: [1, 2, 2, 3], gaps: 0, doubles: 1 },
  { name: "both where two change places", offsets: [1, 3, 2, 3], gaps: 1, doubles: 1 },
])("counts $name", async ({ offsets, gaps, doubles }) => {
  const { url } = await serve((response) =>
    response.end(offsets.map((offset) => delta(offset)).join("") + END),
  );
  expect(await readStream({ url, kind: "log" })).toMatchObject({ gaps, doubles, status: "stream-end" });
});

test("takes a merged delta for as many as its span says, and no others", async () => {
  const { url } = await serve((response) => response.end(delta(3, 3) + delta(5, 2) + delta(7) + END));
  expect(await readStream({ url, kind: "chat" })).toMatchObject({ gaps: 1, doubles: 0 });
});

test("lets the offsets of a state rise with holes, but not stand or fall", async () => {
  const { url } = await serve((response) => response.end(delta(2) + delta(9) + delta(9) + delta(4) + END));
  expect(await readStream({ url, kind: "state" })).toMatchObject({ gaps: 0, doubles: 2 });
});

test("comes back with the last id that was dispatched, and takes no half block", async () => {
  const { url, lastIds } = await serve((response, connection) => {
    if (connection > 0) {
      response.end(delta(2) + END);
      return;
    }
    response.write(`${delta(1)}id: aaaaaaaa.2\ndata: {"type":"text-delta"`);
    setImmediate(() => response.destroy());
  });
  const report = await readStream({ url, kind: "chat" });
  expect(report).toMatchObject({ gaps: 0, doubles: 0, connections: 2, text: "t1 t2 " });
  expect(report.sha256).toBe(await sha256("t1 t2 "));
  expect(lastIds).toEqual([undefined, "aaaaaaaa.1"]);
});

test("keeps the id of a named block and of one without data, as EventSource does", async () => {
  const ids = [encodeSse({ id: "aaaaaaaa.4", event: "ping", data: "{}" }), encodeSse({ id: "aaaaaaaa.5" })];
  const { url, lastIds } = await serve((response, connection) => response.end(ids[connection] ?? END));
  await readStream({ url, kind: "log" });
  expect(lastIds).toEqual([undefined, "aaaaaaaa.4", "aaaaaaaa.5"]);
});

test("drops what it has at a reset, and goes on from there", async () => {
  const reset = encodeSse({
    id: "bbbbbbbb.6",
    event: "stream-reset",
    data: '{"reason":"trimmed","from":"bbbbbbbb.6"}',
  });
  const { url } = await serve((response) => response.end(delta(1) + reset + delta(7) + END));
  expect(await readStream({ url, kind: "log" })).toMatchObject({
    resets: 1,
    gaps: 0,
    doubles: 0,
    text: "t7 ",
  });
});

test("drops what it has at a reset of a stream that is no more", async () => {
  const reset = encodeSse({ event: "stream-reset", data: '{"reason":"unknown-epoch"}' });
  const { url } = await serve((response) => response.end(delta(1) + reset + delta(1) + END));
  expect(await readStream({ url, kind: "log" })).toMatchObject({
    resets: 1,
    gaps: 0,
    doubles: 0,
    text: "t1 ",
  });
});

test.each([204, 404, 503])("stops at %i", async (status) => {
  const { url } = await serve((response) => response.writeHead(status).end());
  expect(await readStream({ url, kind: "log" })).toMatchObject({ status, connections: 1 });
});

test("waits for as long as the server said before it comes back", async () => {
  const { url } = await serve((response, connection) =>
    response.end(connection === 0 ? encodeSse({ retry: 1_234, data: "{}", id: "aaaaaaaa.1" }) : END),
  );
  const waits: number[] = [];
  const wait = async (ms: number) => void waits.push(ms);
  await readStream({ url, kind: "log", reconnectMs: "as-told", wait });
  expect(waits).toEqual([1_234]);
});

function delta(offset: number, span?: number): string {
  const data = JSON.stringify({ type: "text-delta", message: "m", text: `t${offset} `, span });
  return encodeSse({ id: `aaaaaaaa.${offset}`, data });
}

/** A server that answers each connection as it is told, and keeps the ids that readers came with. */
async function serve(answer: (response: ServerResponse, connection: number) => unknown) {
  const lastIds: unknown[] = [];
  const server = createServer((request, response) => {
    lastIds.push(request.headers["last-event-id"]);
    answer(response, lastIds.length - 1);
  });
  servers.push(server.listen(0, "127.0.0.1"));
  await once(server, "listening");
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, lastIds }; // it listens on a port
}
