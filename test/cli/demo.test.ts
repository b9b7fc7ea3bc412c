import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startDemo } from "../../src/cli/demo/demo.ts";
import { createCustomers } from "../../src/cli/demo/customers.ts";
import type { CustomerAct, SimulatedTicket } from "../../src/cli/demo/customers.ts";
import { createSeason } from "../../src/cli/demo/matches.ts";
import { createReplay } from "../../src/cli/demo/prices.ts";
import { readRate } from "../../src/cli/demo/rate.ts";
import { createDemoTools } from "../../src/cli/demo/tools.ts";
import { readMatch } from "../../web/live/match.ts";
import { readNotice } from "../../web/notif.ts";
import { foldThread, summaryOf } from "../../web/live/support/thread.ts";
import { readTicket } from "../../web/live/support/ticket.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { createRandom } from "../support/seeded.ts";

const prices = { symbol: "AAPL", days: ["d1", "d2", "d3"], prices: [1, 2, 3] };

test("the clock tells the time of a zone, or that of the server, and knows which there are", () => {
  const { clock } = createDemoTools(() => 0);
  const tell = (input: object) => clock?.run(input, {} as never); // it needs nothing of its surroundings
  expect(tell({ zone: "Asia/Tokyo" })).toEqual({
    zone: "Asia/Tokyo",
    time: "09:00:00",
    date: "Thursday, 1 January 1970",
  });
  expect(tell({})).toMatchObject({ zone: new Intl.DateTimeFormat().resolvedOptions().timeZone });
  expect(() => tell({ zone: "Mars/Olympus" })).toThrow('There is no time zone "Mars/Olympus".');
});

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

/** Lets simulated customers act for some seconds, on lists and logs as a server would keep them. */
function createDesk() {
  const chance = createRandom(5);
  const customers = createCustomers({ random: () => chance.next(), customers: 3 });
  const list = new Map<string, SimulatedTicket>();
  const logs = new Map<string, object[]>();
  const acts: CustomerAct[] = [];
  let now = 1_000;
  return {
    list,
    logs,
    acts,
    advance: (seconds: number) => {
      for (; seconds > 0; seconds--) {
        now += 1_000;
        for (const act of customers.advance(now, list)) {
          acts.push(act);
          if (act.type === "write") {
            logs.set(act.key, [...(logs.get(act.key) ?? []), ...act.events]);
            list.set(act.key, act.ticket);
          }
          if (act.type === "leave") list.delete(act.key);
        }
      }
    },
    answer: (key: string) => {
      const ticket = list.get(key);
      if (ticket === undefined) throw new Error(`there is no ticket ${key}`);
      const { customer, agent } = ticket.messages;
      logs.get(key)?.push({ type: "ticket-reply", from: "agent", name: "Robin", text: "Yes." });
      const last = { from: "agent" as const, text: "Yes.", count: 1 };
      list.set(key, { ...ticket, messages: { customer, agent: agent + 1 }, last });
    },
  };
}

test("simulated customers ask, type before they answer an agent, close what is solved, and make room for others", () => {
  const { list, logs, acts, advance, answer } = createDesk();
  advance(1);
  expect(list.size).toBe(3);
  const [key = ""] = list.keys();
  const before = logs.get(key)?.length;
  answer(key);
  advance(2);
  expect(acts.at(-1)).toMatchObject({ type: "type" });
  advance(8);
  expect(logs.get(key)).toHaveLength((before ?? 0) + 2);
  expect(logs.get(key)?.at(-1)).toMatchObject({ type: "ticket-reply", from: "customer" });
  for (let turn = 0; turn < 4 && list.get(key)?.status === "open"; turn++) {
    answer(key);
    advance(10);
  }
  expect(list.get(key)?.status).toBe("closed");
  // The list of the pages says what the log says.
  for (const [name, ticket] of list) {
    const thread = foldThread((logs.get(name) ?? []).map((event) => ({ event })));
    expect({ ...readTicket(ticket), at: 0 }).toEqual({ ...summaryOf(name, thread, undefined), at: 0 });
    expect(ticket.simulated).toBe(true);
  }
  advance(70);
  expect(list.has(key)).toBe(false);
  expect(list.size).toBe(3);
  // Nobody answers the others: they give up, and a key is never used again.
  advance(900);
  const opened = acts.filter((act) => act.type === "write" && "subject" in (act.events[0] ?? {}));
  expect(opened.length).toBeGreaterThan(6);
  expect(new Set(opened.map((act) => act.key)).size).toBe(opened.length);
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

interface Page {
  events: { event: Record<string, unknown> }[];
  next: string;
  head: string;
}

async function entries(stream: string): Promise<Record<string, unknown>[]> {
  const found: Record<string, unknown>[] = [];
  for (let query = ""; ;) {
    const response = await app.ask(`/v1/streams/${stream}${query}`);
    if (!response.ok) return [];
    const { events, next, head } = (await response.json()) as Page;
    found.push(...events.map(({ event }) => event));
    if (next === head || events.length === 0) return found;
    query = `?after=${next}`;
  }
}

test("the feeds write through the public streams, and leave nothing on the boards when they stop", async () => {
  const demo = startDemo({ fetch: (request) => app.server.fetch(request), prices, now: () => 1 });
  await vi.waitFor(async () => expect(await entries("demo/scores")).toHaveLength(9));
  vi.advanceTimersByTime(50);
  await vi.waitFor(async () => expect(await entries("demo/ticker")).toHaveLength(500));
  const notices = await entries("demo/notifications");
  expect(notices).toHaveLength(3);
  for (const notice of notices) expect(readNotice(notice)).toMatchObject({ title: notice["title"], at: 1 });
  // Nobody's own bell rings for what did not happen.
  expect(await entries("notifications/local")).toEqual([]);
  const { head } = (await (await app.ask("/v1/streams/demo/ticker")).json()) as { head: string };
  expect(head).toMatch(/\.500$/);
  await demo.stop();
  expect(await entries("demo/notifications")).toEqual([]);
  const left = [...(await entries("demo/scores")), ...(await entries("demo/ticker"))];
  expect(left.filter(({ deleted }) => deleted !== true)).toEqual([]);
  vi.advanceTimersByTime(10_000);
  const after = (await (await app.ask("/v1/streams/demo/ticker")).json()) as { head: string };
  expect(after.head).toMatch(/\.1000$/);
});

test("what a demo left behind is taken off the desk by the next one, with the logs", async () => {
  const list = "demo/support/tickets";
  await app.send("PUT", `/v1/streams/${list}`, { kind: "state" });
  // More than one page of what is gone, as after a day.
  for (const batch of [0, 1_000]) {
    const gone = Array.from({ length: 1_000 }, (_, n) => ({ key: `gone-${batch + n}`, deleted: true }));
    await app.send("POST", `/v1/streams/${list}`, gone);
  }
  await app.send("POST", `/v1/streams/${list}`, { type: "ticket", key: "old" });
  await app.send("POST", `/v1/streams/${list}/old`, { type: "ticket-open" });
  const demo = startDemo({ fetch: (request) => app.server.fetch(request), prices });
  const present = async () => (await entries(list)).filter(({ deleted }) => deleted !== true);
  vi.advanceTimersByTime(1_000);
  await vi.waitFor(async () => expect(await present()).toHaveLength(5));
  expect((await present()).map(({ key }) => key)).not.toContain("old");
  expect((await app.ask(`/v1/streams/${list}/old`)).status).toBe(404);
  const [ticket] = await present();
  await vi.waitFor(async () => {
    const here = await app.ask(`/v1/presence/${list}/${String(ticket?.["key"])}`);
    expect(await here.json()).toMatchObject({ count: 1, people: [{ data: { name: ticket?.["customer"] } }] });
  });
  await demo.stop();
  expect(await present()).toEqual([]);
  expect((await app.ask(`/v1/streams/${list}/${String(ticket?.["key"])}`)).status).toBe(404);
});

test("a library plays nothing of its own", async () => {
  vi.advanceTimersByTime(10_000);
  expect((await app.ask("/v1/streams/demo/scores")).status).toBe(404);
  expect((await app.ask("/v1/streams/demo/support/tickets")).status).toBe(404);
});
