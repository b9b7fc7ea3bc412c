import { createHash } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { scriptTokens } from "../../src/chat/script.ts";
import { createRandom } from "../support/seeded.ts";
import { freePort, startServerProcess } from "../support/server-process.ts";
import type { ServerProcess } from "../support/server-process.ts";

const KILLS = 50;
const RUNS = 20;
const SEED = 20_261_123;

interface Seen {
  run: string;
  /** The text that its reader has seen. */
  text: string;
  reason?: string;
}

let data = "";
let port = 0;
beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), "millrace-kill-"));
  port = await freePort();
});
afterAll(() => rm(data, { recursive: true, force: true }));

test(`SIGKILL at ${KILLS} random moments loses nothing that was seen or promised`, async () => {
  const random = createRandom(SEED);
  const promised: number[] = [];
  let next = 1;
  let former: Seen[] = [];
  for (let kill = 0; kill <= KILLS; kill++) {
    await using server = await startServerProcess({ dataDir: data, port });
    const startedAt = Date.now();
    for (const seen of former) await expectWhole(server, seen);
    if (former.length > 0)
      expect(Date.now() - startedAt, "open runs are ended within 5 s").toBeLessThan(5_000);
    if (kill === 0) await keepAllNumbers(server);
    next = await expectContiguous(server, promised, next);
    if (kill === KILLS) break;

    const abort = new AbortController();
    former = [];
    const runs = Array.from({ length: RUNS }, (_, index) =>
      followRun(server, `${kill}-${index}`, former, abort.signal),
    );
    const appends = appendUntilCut(server, () => next++, promised, abort.signal);
    // All of them end by the kill.
    const cut = Promise.allSettled([...runs, appends]);
    // Not before work has begun; how much of it is done by then differs from kill to kill.
    const before = promised.length;
    await expect.poll(() => promised.length, { interval: 2 }).toBeGreaterThan(before);
    await new Promise((resolve) => setTimeout(resolve, random.int(0, 300)));
    server.kill("SIGKILL");
    await server.exit;
    abort.abort();
    await cut;
  }
  expect(promised.length).toBeGreaterThanOrEqual(KILLS);
}, 600_000);

test("with --recover continue a server that was killed goes on with its run after its next start", async () => {
  const args = ["--recover", "continue"];
  const dataDir = join(data, "continued");
  const text = [...scriptTokens({ tokens: 300, seed: 7 })].join("");
  let run = "";
  {
    await using server = await startServerProcess({ dataDir, args });
    const started = await fetch(`${server.url}/v1/runs`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ prompt: "tokens=300 rate=150 seed=7", model: "script" }),
    });
    ({ run } = (await started.json()) as { run: string });
    const soFar = async () =>
      ((await (await fetch(`${server.url}/v1/runs/${run}`)).json()) as { text: string }).text;
    await expect.poll(soFar).not.toBe("");
    server.kill("SIGKILL");
    await server.exit;
  }
  await using server = await startServerProcess({ dataDir, args });
  await expect
    .poll(async () => (await fetch(`${server.url}/v1/runs/${run}`)).json())
    .toMatchObject({ reason: "stop", text, sha256: createHash("sha256").update(text).digest("hex") });
});

async function keepAllNumbers(server: ServerProcess): Promise<void> {
  const response = await fetch(`${server.url}/v1/streams/numbers`, {
    method: "PUT",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ kind: "log", retention: { maxEvents: 1_000_000 } }),
  });
  expect(response.status).toBe(201);
}

/** Starts a run and reads it until the connection breaks. */
async function followRun(
  server: ServerProcess,
  key: string,
  seen: Seen[],
  signal: AbortSignal,
): Promise<void> {
  const started = await fetch(`${server.url}/v1/runs`, {
    method: "POST",
    headers: { "content-type": "application/json", "idempotency-key": key },
    body: JSON.stringify({ prompt: "tokens=2000 rate=500 seed=7", model: "script" }),
    signal,
  });
  const { run, stream } = (await started.json()) as { run: string; stream: string };
  const mine: Seen = { run, text: "" };
  seen.push(mine);
  const response = await fetch(`${server.url}/v1/streams/${stream}`, {
    headers: { accept: "text/event-stream" },
    signal,
  });
  const decoder = new TextDecoder();
  let rest = "";
  for await (const chunk of response.body ?? []) {
    const blocks = (rest + decoder.decode(chunk, { stream: true })).split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const data = /^data: (.*)$/m.exec(block)?.[1];
      if (data === undefined || /^event: /m.test(block)) continue;
      const event = JSON.parse(data) as { type: string; text?: string; reason?: string };
      mine.text += event.text ?? "";
      if (event.reason !== undefined) mine.reason = event.reason;
    }
  }
}

/** Appends numbers one after the other, each under a key of its own. What was not answered is sent again after the restart. */
async function appendUntilCut(
  server: ServerProcess,
  take: () => number,
  promised: number[],
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    const number = take();
    const response = await fetch(`${server.url}/v1/streams/numbers`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": `n-${number}` },
      body: JSON.stringify({ number }),
      signal,
    });
    if (response.status === 201) promised.push(number);
  }
}

/** What a reader saw is in the log, and the run has ended: as it ended, or as interrupted. */
async function expectWhole(server: ServerProcess, seen: Seen): Promise<void> {
  const response = await fetch(`${server.url}/v1/runs/${seen.run}`);
  expect(response.status).toBe(200);
  const run = (await response.json()) as { status: string; reason: string; text: string };
  expect(run.text.startsWith(seen.text), `the text of ${seen.run} begins with what was seen`).toBe(true);
  expect(run).toMatchObject({ status: "ended", reason: seen.reason ?? run.reason });
  expect(["interrupted", "stop"]).toContain(run.reason);
}

/** Every promised number is in the log, once, in order, and the offsets have no hole. The last one that was not answered is
 *  sent again: with its key it is there once. Returns the next number. */
async function expectContiguous(
  server: ServerProcess,
  promised: readonly number[],
  next: number,
): Promise<number> {
  for (const number of [next - 1, next - 1]) {
    if (number < 1) continue;
    const response = await fetch(`${server.url}/v1/streams/numbers`, {
      method: "POST",
      headers: { "content-type": "application/json", "idempotency-key": `n-${number}` },
      body: JSON.stringify({ number }),
    });
    expect(response.status).toBe(201);
  }
  const numbers: number[] = [];
  let after = "start";
  for (;;) {
    const response = await fetch(`${server.url}/v1/streams/numbers?after=${after}`);
    if (response.status === 404) break;
    const page = (await response.json()) as {
      events: { cursor: string; event: { number: number } }[];
      next: string;
    };
    if (page.events.length === 0) break;
    for (const { cursor, event } of page.events) {
      numbers.push(event.number);
      expect(Number(cursor.split(".")[1]), "offsets have no hole").toBe(numbers.length);
    }
    after = page.next;
  }
  expect(numbers).toEqual(Array.from({ length: Math.max(0, next - 1) }, (_, index) => index + 1));
  const kept = new Set(numbers);
  expect(promised.filter((number) => !kept.has(number))).toEqual([]);
  return next;
}
