import { expect, test } from "vitest";
import type { Figures } from "../src/protocol/figures.ts";
import { blocks, readUntil, startApp } from "./support/app.ts";
import type { TestServer } from "./support/app.ts";

/** The figures that were published, once they hold what is wanted. */
async function untilFigures(app: TestServer, isWanted: (figures: Figures) => boolean): Promise<Figures[]> {
  let found: Figures[] = [];
  await expect
    .poll(
      async () => {
        const response = await app.ask("/v1/streams/sys/server");
        if (!response.ok) return false;
        const page = (await response.json()) as { events: { event: Figures }[] };
        found = page.events.map(({ event }) => event);
        return found.some(isWanted);
      },
      { timeout: 10_000 },
    )
    .toBe(true);
  return found;
}

test("a server says once a second what it does, and counts what it was given", async () => {
  await using app = await startApp({ publishesFigures: true });
  const events = app.ask("/v1/streams/news?live=1");
  const reader = (await events).body?.getReader();
  await app.send("POST", "/v1/streams/news", [{ n: 1 }, { n: 2 }, { n: 3 }]);
  await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" });
  const all = await untilFigures(app, ({ firstTokenMs }) => firstTokenMs !== undefined);
  const [first] = all;
  expect(first).toMatchObject({ type: "figures", readers: 1, runs: 0 });
  expect(first?.at).toBeGreaterThan(1_700_000_000_000);
  expect(first?.memory).toBeGreaterThan(first?.heap ?? Infinity);
  // The run's events are its start, two deltas and its end.
  const counted = all.reduce((sum, one) => sum + one.events, 0);
  expect(counted).toBeGreaterThanOrEqual(5);
  expect(counted).toBeLessThanOrEqual(9);
  await reader?.cancel();
});

test("nobody else can write the server's figures", async () => {
  await using app = await startApp({ publishesFigures: true });
  const response = await app.send("POST", "/v1/streams/sys/server", { type: "figures", readers: 1e9 });
  expect(response.status).toBe(403);
  expect(await response.json()).toMatchObject({ error: { code: "reserved-name" } });
});

test("a reader that comes before the first figures waits for them", async () => {
  await using app = await startApp({ publishesFigures: true });
  const response = await app.ask("/v1/streams/sys/server?live=1");
  const body = await readUntil(response, '"type":"figures"');
  expect(blocks(body)[0]).toMatchObject({ event: "stream-start" });
});

test("a library that was not asked says nothing", async () => {
  await using app = await startApp();
  await app.send("POST", "/v1/streams/news", { n: 1 });
  expect((await app.ask("/v1/streams/sys/server")).status).toBe(404);
});
