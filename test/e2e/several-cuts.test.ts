import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createServer } from "../../src/server.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import { createRandom } from "../support/seeded.ts";
import { readSeveral } from "../support/several-reader.ts";

const CUTS = 2_000;
/** Of all who read at the same time; each has the three streams over one connection. */
const READERS = 4;
const KEYS = 20;
const SEED = 11;
const KINDS = { "cut/one": "log", "cut/two": "log", "cut/board": "state" } as const;

test(`${CUTS} cuts at random bytes on three streams over one connection: nothing is lost or doubled in any`, async () => {
  const data = await mkdtemp(join(tmpdir(), "millrace-several-"));
  const server = await createServer({ data, hasPages: false });
  try {
    const url = await server.listen(0);
    const random = createRandom(SEED);
    // Now and then far enough for the largest block: otherwise it would never arrive.
    const cutAfter = () => (random.next() < 0.9 ? random.int(1, 3_000) : random.int(1, 60_000));
    await using proxy = await startCuttingProxy({ target: Number(new URL(url).port), cutAfter });
    await send(url, "PUT", "cut/board", { kind: "state" });
    for (const stream of ["cut/one", "cut/two"]) {
      await send(url, "PUT", stream, { kind: "log", retention: { maxEvents: 100_000 } });
    }

    const origin = `http://127.0.0.1:${proxy.port}`;
    const reading = Array.from({ length: READERS }, () => readSeveral(origin, KINDS));
    let sent = 0;
    // How many cuts come in a while depends on the machine: on until there were enough. Signals go between the events.
    for (; proxy.cuts < CUTS && sent < 60_000; sent += 10) {
      const numbers = Array.from({ length: 10 }, (_, index) => sent + index);
      await send(
        url,
        "POST",
        "cut/one",
        numbers.map((n) => ({ n })),
      );
      await send(
        url,
        "POST",
        "cut/two",
        numbers.map((n) => ({ n, text: "é€😀".repeat(n % 60) })),
      );
      await send(
        url,
        "POST",
        "cut/board",
        numbers.map((n) => ({ key: `k${n % KEYS}`, n })),
      );
      await fetch(`${url}/v1/signals/cut/one`, {
        method: "POST",
        headers: JSON_TYPE,
        body: '{"kind":"typing"}',
      });
    }
    for (const stream of Object.keys(KINDS)) await send(url, "POST", `${stream}?close=true`, []);

    const all = Array.from({ length: sent }, (_, n) => n);
    for (const { streams } of await Promise.all(reading)) {
      for (const [stream, report] of streams) {
        expect(report, stream).toMatchObject({ gaps: 0, doubles: 0, resets: 0 });
      }
      for (const stream of ["cut/one", "cut/two"]) {
        expect(streams.get(stream)?.events.map(({ n }) => n)).toEqual(all);
      }
      const board = new Map(streams.get("cut/board")?.events.map(({ key, n }) => [key, n]));
      expect(board).toEqual(new Map(all.slice(-KEYS).map((n) => [`k${n % KEYS}`, n])));
    }
    console.log(
      `${proxy.cuts} cuts, ${sent} events in each of three streams to ${READERS} readers, seed ${SEED}`,
    );
    expect(proxy.cuts).toBeGreaterThanOrEqual(CUTS);
  } finally {
    await server.close();
    await rm(data, { recursive: true, force: true });
  }
}, 400_000);

const JSON_TYPE = { "content-type": "application/json" };

async function send(url: string, method: string, stream: string, body: object): Promise<void> {
  const path = `/v1/streams/${stream}`;
  const response = await fetch(`${url}${path}`, { method, headers: JSON_TYPE, body: JSON.stringify(body) });
  expect(response.ok, `${method} ${path}: ${response.status}`).toBe(true);
}
