import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp } from "../support/app.ts";
import { PARSERS, isRefusal } from "../support/fuzz-parsers.ts";
import { makeRequest, sendFuzz } from "../support/fuzz-http.ts";
import { createRandom } from "../support/seeded.ts";

// `MILLRACE_FUZZ_SECONDS=3600 node bench/fuzz.mjs` is the same for an hour; `MILLRACE_FUZZ_SEED` has a failure again.
const SECONDS = Number(process.env["MILLRACE_FUZZ_SECONDS"] ?? 24);
const SEED = Number(process.env["MILLRACE_FUZZ_SEED"] ?? Date.now() % 1_000_000_000);
const LIMIT_MS = SECONDS * 1_000 * 3 + 60_000;
/** An answer may take so long on a machine under load. */
const ANSWER_MS = 20_000;
/** A body that is shorter than it says is waited for so long. */
const SHORT = { headMs: 500, bodyMs: 1_000 };
const AT_ONCE = 16;
const ROUNDS = Math.max(3, Math.ceil(SECONDS / 120));

setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

const crashes: unknown[] = [];
const onCrash = (error: unknown) => void crashes.push(error);
beforeAll(() => {
  console.log(`seed ${SEED}, ${SECONDS} s`);
  process.on("uncaughtException", onCrash).on("unhandledRejection", onCrash);
});
afterAll(() => {
  process.off("uncaughtException", onCrash).off("unhandledRejection", onCrash);
});

test(
  "whatever comes over HTTP is answered or refused in time, nothing fails or crashes, and nothing stays behind",
  async () => {
    const heaps: number[] = [];
    const statuses = new Map<number, number>();
    let sent = 0;
    for (let round = 0; round < ROUNDS; round++) {
      const until = performance.now() + ((SECONDS * 1_000) / ROUNDS) * (2 / 3);
      await using app = await startApp({ hasPages: true, isDev: false, connections: SHORT });
      const port = Number(new URL(await app.server.listen(0)).port);
      const work = async (worker: number) => {
        for (let n = 0; performance.now() < until; n++) {
          const seed = SEED + round * 100_000_000 + worker * 1_000_000 + n;
          const request = makeRequest(createRandom(seed), `127.0.0.1:${port}`);
          const status = await sendFuzz(port, request, ANSWER_MS).catch((error: unknown) => {
            throw new Error(
              `${String(error)}\nseed ${seed}: ${JSON.stringify(request.bytes.toString("latin1").slice(0, 1_500))}`,
            );
          });
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
          sent += 1;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, (_, worker) => work(worker)));
      // `expect.poll` would hold each server until the test ends: 1.3 MB that stays behind.
      for (const end = performance.now() + 30_000; app.server.readers > 0 && performance.now() < end;)
        await new Promise((resolve) => setTimeout(resolve, 20));
      expect(app.server.readers).toBe(0);
      expect((await app.ask("/readyz")).status).toBe(200);
      expect(crashes).toEqual([]);
      await app[Symbol.asyncDispose]();
      collect();
      heaps.push(process.memoryUsage().heapUsed);
    }
    console.log(
      `${sent} requests; statuses ${JSON.stringify([...statuses].toSorted(([a], [b]) => a - b))}; heap after each round ${heaps.map((heap) => `${(heap / 1_048_576).toFixed(0)} MB`).join(", ")}`,
    );
    for (const status of [200, 201, 204, 400, 403, 404, 415, 421])
      expect([...statuses.keys()]).toContain(status);
    // The first round also loads what is loaded once.
    expect((heaps.at(-1) ?? 0) - (heaps[1] ?? 0)).toBeLessThan(32 * 1_048_576);
  },
  LIMIT_MS,
);

test(
  "whatever a parser is fed it takes or refuses, in time",
  async () => {
    const until = performance.now() + (SECONDS * 1_000) / 3;
    let fed = 0;
    let slowest = { name: "", ms: 0, seed: 0 };
    for (let n = 0; performance.now() < until; n++) {
      for (const [index, [name, feed]] of Object.entries(PARSERS).entries()) {
        const seed = SEED + n * 100 + index;
        const begun = performance.now();
        try {
          await feed(createRandom(seed));
        } catch (error) {
          if (!isRefusal(error))
            throw new Error(`${name} with seed ${seed}: ${String(error)}`, { cause: error });
        }
        const ms = performance.now() - begun;
        if (ms > slowest.ms) slowest = { name, ms, seed };
        fed += 1;
      }
    }
    console.log(
      `${fed} inputs; the slowest took ${slowest.ms.toFixed(0)} ms: ${slowest.name}, seed ${slowest.seed}`,
    );
    expect(slowest.ms).toBeLessThan(5_000);
    expect(crashes).toEqual([]);
  },
  LIMIT_MS,
);
