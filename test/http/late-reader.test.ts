import { afterAll, beforeAll, expect, test } from "vitest";
import { parseStreamName } from "../../src/protocol/names.ts";
import { EVENTS, blocks, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { createRandom } from "../support/seeded.ts";

const UPDATES = 1_000_000;
const KEYS = 500;
const BATCH = 1_000;
const BOARD = parseStreamName("board");

let app: TestServer;
/** The key of each update, in order; update `n` has the offset `n + 1`. */
let keys: Uint16Array;
let epoch: string;

beforeAll(async () => {
  app = await startApp();
  const random = createRandom(5);
  // The first ones touch each key, so that all are there.
  keys = Uint16Array.from({ length: UPDATES }, (_, n) => (n < KEYS ? n : random.int(0, KEYS - 1)));
  await app.send("PUT", "/v1/streams/board", { kind: "state" });
  let cursor = "";
  for (let from = 0; from < UPDATES; from += BATCH) {
    const events = Array.from({ length: BATCH }, (_, index) => {
      const n = from + index;
      const key = `k${keys[n]}`;
      return { data: `{"key":"${key}","n":${n}}`, key };
    });
    const outcome = await app.server.log.append(BOARD, events);
    if (outcome.status === "appended") ({ cursor } = outcome);
  }
  expect(cursor).toMatch(new RegExp(`\\.${UPDATES}$`));
  epoch = cursor.split(".")[0] ?? "";
});
afterAll(() => app[Symbol.asyncDispose]());

/** The updates that a reader is given after `offset`, until it has caught up. */
async function read(after: string): Promise<number[]> {
  const response = await app.ask(`/v1/streams/board?after=${after}`, { headers: EVENTS });
  const body = await readUntil(response, "stream-caught-up");
  expect(body).not.toContain("stream-reset");
  return blocks(body)
    .filter((block) => block["event"] === undefined && block["data"] !== undefined)
    .map((block) => (JSON.parse(block["data"] ?? "") as { n: number }).n);
}

/** The last update of each key that changed after `offset`, in their order. */
function changedAfter(offset: number): number[] {
  const last = new Map<number, number>();
  for (let n = offset; n < UPDATES; n++) last.set(keys[n] ?? 0, n);
  return [...last.values()].toSorted((a, b) => a - b);
}

test(`who comes late to ${UPDATES} updates of ${KEYS} keys gets ${KEYS} events`, async () => {
  const got = await read("start");
  expect(got).toHaveLength(KEYS);
  expect(got).toEqual(changedAfter(0));
});

test("from any older cursor exactly what changed since comes", async () => {
  const random = createRandom(6);
  const offsets = [0, 1, UPDATES - 1, UPDATES];
  for (let times = 0; times < 20; times++) offsets.push(random.int(0, UPDATES));
  for (let back = 1; back <= 4_096; back *= 2) offsets.push(UPDATES - back);
  for (const offset of offsets) {
    expect(await read(`${epoch}.${offset}`), `after ${offset}`).toEqual(changedAfter(offset));
  }
});
