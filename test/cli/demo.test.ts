import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startDemo } from "../../src/cli/demo/demo.ts";
import { createSeason } from "../../src/cli/demo/matches.ts";
import { createReplay } from "../../src/cli/demo/prices.ts";
import { readRate } from "../../src/cli/demo/rate.ts";
import { readMatch } from "../../web/live/match.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { createRandom } from "../support/seeded.ts";

const prices = { symbol: "AAPL", days: ["d1", "d2", "d3"], prices: [1, 2, 3] };

test("every simulated match is one that a board shows, says that it is simulated, and only goes up", () => {
  const chance = createRandom(7);
  const season = createSeason({ random: () => chance.next(), now: 1 });
  const last = new Map<string, { home: number; away: number; began: number }>();
  for (let step = 0; step < 500; step++) {
    for (const event of season.advance(step)) {
      const match = readMatch(event);
      expect(match).toMatchObject({ key: event.key, status: event.status });
      expect(event.simulated).toBe(true);
      expect(new Set(event.teams).size).toBe(2);
      const before = last.get(event.key);
      if (before?.began === event.began) {
        expect(event.home).toBeGreaterThanOrEqual(before.home);
        expect(event.away).toBeGreaterThanOrEqual(before.away);
      }
      last.set(event.key, event);
    }
  }
  expect([...last.keys()].toSorted()).toEqual([...season.keys].toSorted());
  expect(new Set([...last.values()].map(({ began }) => began)).size).toBeGreaterThan(1);
});

test("the replay gives each symbol the recorded prices in the order of their days, all symbols in turn", () => {
  const replay = createReplay(prices, 500);
  const round = replay.next(500);
  expect(new Set(round.map(({ key }) => key))).toEqual(new Set(replay.keys));
  const of = (key: string) => replay.next(1_500).filter((event) => event.key === key);
  const [first] = round;
  const days = of(first?.key ?? "").map(({ day }) => day);
  expect([first?.day, ...days]).toEqual(["d1", "d2", "d3", "d1"]);
  expect(round.find(({ key }) => key === "AAPL.500")).toMatchObject({ price: 3, day: "d3" });
});

test.each([
  [undefined, 50],
  [{ perSecond: 200, until: 11 }, 200],
  [{ perSecond: 200, until: 10 }, 50],
  [{ perSecond: 1e9, until: 11 }, 2_000],
  [{ perSecond: -1, until: 11 }, 1],
  [{ perSecond: "2000", until: 11 }, 50],
])("the rate that %j asks for at 10 is %i", (event, rate) => {
  expect(readRate(event, 10)).toBe(rate);
});

let app: TestServer;
beforeEach(async () => {
  app = await startApp();
  vi.useFakeTimers({ toFake: ["setInterval", "clearInterval"] });
});
afterEach(async () => {
  vi.useRealTimers();
  await app[Symbol.asyncDispose]();
});

async function entries(stream: string): Promise<Record<string, unknown>[]> {
  const response = await app.ask(`/v1/streams/${stream}`);
  if (!response.ok) return [];
  const { events } = (await response.json()) as { events: { event: Record<string, unknown> }[] };
  return events.map(({ event }) => event);
}

test("the feeds write through the public streams, and leave nothing on the boards when they stop", async () => {
  const demo = startDemo({ fetch: (request) => app.server.fetch(request), prices, now: () => 1 });
  await vi.waitFor(async () => expect(await entries("demo/scores")).toHaveLength(9));
  vi.advanceTimersByTime(50);
  await vi.waitFor(async () => expect(await entries("demo/ticker")).toHaveLength(500));
  const { head } = (await (await app.ask("/v1/streams/demo/ticker")).json()) as { head: string };
  expect(head).toMatch(/\.500$/);
  await demo.stop();
  const left = [...(await entries("demo/scores")), ...(await entries("demo/ticker"))];
  expect(left.filter(({ deleted }) => deleted !== true)).toEqual([]);
  vi.advanceTimersByTime(10_000);
  const after = (await (await app.ask("/v1/streams/demo/ticker")).json()) as { head: string };
  expect(after.head).toMatch(/\.1000$/);
});

test("a library plays nothing of its own", async () => {
  vi.advanceTimersByTime(10_000);
  expect((await app.ask("/v1/streams/demo/scores")).status).toBe(404);
});
