import { expect, test } from "vitest";
import type { Figures } from "../src/protocol/figures.ts";
import { blocks, readUntil, startApp } from "./support/app.ts";
import type { TestServer } from "./support/app.ts";

/** The figures that were published, once they hold what is wanted. */
async function untilFigures(app: TestServer, isWanted: (figures: Figures[]) => boolean): Promise<Figures[]> {
  let found: Figures[] = [];
  await expect
    .poll(async () => {
      const response = await app.ask("/v1/streams/sys/server");
      if (!response.ok) return false;
      const page = (await response.json()) as { events: { event: Figures }[] };
      found = page.events.map(({ event }) => event);
      return isWanted(found);
    })
    .toBe(true);
  return found;
}

/** What was given to the log since the first figures: they say how much it was in a second, and when. */
function countEvents(all: readonly Figures[]): number {
  return all
    .slice(1)
    .reduce((sum, { events, at }, index) => sum + (events * (at - (all[index]?.at ?? at))) / 1_000, 0);
}

test("a server says once a second what it does, and counts what it was given", async () => {
  await using app = await startApp({ publishesFigures: true });
  const events = app.ask("/v1/streams/news?live=1");
  const reader = (await events).body?.getReader();
  await untilFigures(app, (all) => all.length > 0);
  await app.send(
    "POST",
    "/v1/streams/news",
    Array.from({ length: 900 }, (_, n) => ({ n })),
  );
  await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" });
  await untilFigures(app, (all) => all.some(({ firstTokenMs }) => firstTokenMs !== undefined));
  const all = await untilFigures(app, (figures) => countEvents(figures) > 890 && figures.at(-1)?.runs === 0);
  const last = all.at(-1);
  expect(last).toMatchObject({ type: "figures", readers: 1, runs: 0 });
  expect(last?.at).toBeGreaterThan(1_700_000_000_000);
  expect(last?.memory).toBeGreaterThan(last?.heap ?? Infinity);
  // The run's events are its start, two deltas and its end. Figures are whole numbers, and times whole milliseconds.
  expect(countEvents(all)).toBeLessThan(920);
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
