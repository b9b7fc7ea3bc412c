import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createHub } from "../../src/hub/hub.ts";
import { createPresence } from "../../src/hub/presence.ts";
import type { Presence, PresenceOptions } from "../../src/hub/presence.ts";
import { createBus } from "../../src/log/bus.ts";
import type { Bus } from "../../src/log/bus.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

const DESK = parseStreamName("desk");
const OTHER = parseStreamName("other");

let bus: Bus;
let presence: Presence;
/** What readers were told: how many are here, and when, since the start of the test. */
let told: { stream: string; count: number; at: number }[];
let startedAt: number;

beforeEach(() => {
  vi.useFakeTimers();
  startedAt = Date.now();
  bus = createBus();
  told = [];
  presence = start();
});
afterEach(() => {
  presence.close();
  expect(vi.getTimerCount()).toBe(0);
  vi.useRealTimers();
});

function start(options: PresenceOptions = {}): Presence {
  return createPresence(bus, { tell: keep }, options);
}

function restart(options: PresenceOptions): void {
  presence.close();
  presence = start(options);
}

function keep(stream: string, _topic: string, make: () => string): void {
  const { count } = JSON.parse(/data: (.*)\n/.exec(make())?.[1] ?? "") as { count: number };
  told.push({ stream, count, at: Date.now() - startedAt });
}

function pass(ms: number): void {
  vi.advanceTimersByTime(ms);
}

const count = (stream = DESK) => presence.view(stream).count;
const tooMany = expect.objectContaining({ code: "too-many-people", isRetryable: true }) as Error;

test("a person is here until 45 s after the last renewal, and is told to be gone within them", () => {
  presence.renew(DESK, "ada");
  pass(20_000);
  presence.renew(DESK, "ada");
  pass(44_000);
  expect(count()).toBe(1);
  pass(880); // a telling takes 120 ms at most
  expect(count()).toBe(0);
  expect(told.map(({ count }) => count)).toEqual([1, 0]);
  expect(told[1]?.at).toBeLessThanOrEqual(20_000 + 45_000 - 120);
});

test("after its last connection has closed a person is gone in 4 s, unless one opens again", () => {
  const one = presence.open("ada");
  const other = presence.open("ada");
  presence.renew(DESK, "ada");
  one();
  one(); // said twice
  pass(10_000);
  expect(count()).toBe(1);
  other();
  pass(3_000);
  const back = presence.open("ada");
  pass(5_000);
  expect(count()).toBe(1);
  back();
  pass(3_000);
  expect(count()).toBe(1);
  pass(880);
  expect(count()).toBe(0);
});

test("a connection that closes never makes a lease longer, and a renewal is worth a whole one", () => {
  const close = presence.open("ada");
  presence.renew(DESK, "ada");
  pass(43_000);
  close();
  pass(1_880);
  expect(count()).toBe(0);
  presence.open("bob")();
  presence.renew(DESK, "bob");
  pass(44_000);
  expect(count()).toBe(1);
  pass(1_000);
});

test("people are counted, not their renewals, in the order in which they came", () => {
  presence.renew(DESK, "ada", { name: "Ada" });
  pass(10);
  presence.renew(DESK, "bob");
  pass(10);
  presence.renew(DESK, "ada", { name: "Ada" });
  expect(presence.view(DESK)).toEqual({
    stream: "desk",
    at: startedAt + 20,
    count: 2,
    people: [
      { person: "ada", since: startedAt, data: { name: "Ada" } },
      { person: "bob", since: startedAt + 10 },
    ],
  });
  expect(told.map(({ count }) => count)).toEqual([1, 2]);
  presence.renew(DESK, "ada", { name: "Ada L." });
  expect(told.map(({ count }) => count)).toEqual([1, 2, 2]);
  presence.leave(DESK, "ada");
  presence.leave(DESK, "ada");
  presence.leave(DESK, "bob");
  expect(told.map(({ count }) => count)).toEqual([1, 2, 2, 1, 0]);
  pass(200);
});

test("more than 50 are only counted", () => {
  for (let n = 0; n < 50; n++) presence.renew(DESK, `p${n}`);
  expect(presence.view(DESK).people).toHaveLength(50);
  presence.renew(DESK, "one-more");
  expect(presence.view(DESK)).toEqual({ stream: "desk", at: startedAt, count: 51 });
  expect(presence.block(DESK)).not.toContain("people");
  presence.leave(DESK, "p7");
  expect(presence.view(DESK).people?.at(-1)?.person).toBe("one-more");
  expect(presence.block(DESK, 10_000)).toContain("one-more");
  expect(presence.block(DESK, 1_000)).toBe(
    `event: presence\ndata: {"stream":"desk","at":${startedAt},"count":50}\n\n`,
  );
});

test("people and their places are bounded, and whoever is here may renew", () => {
  restart({ maxPeople: 3, maxStreams: 2 });
  presence.renew(DESK, "ada");
  presence.renew(OTHER, "ada");
  expect(() => presence.renew(parseStreamName("third"), "ada")).toThrow(tooMany);
  presence.renew(DESK, "bob");
  expect(() => presence.renew(DESK, "cyd")).toThrow(tooMany);
  presence.renew(DESK, "ada");
  presence.leave(OTHER, "ada");
  presence.renew(DESK, "cyd");
  expect([count(), count(OTHER)]).toEqual([3, 0]);
});

test("two nodes tell the same, by the bus alone", () => {
  const other = start();
  other.renew(DESK, "ada");
  expect(count()).toBe(1);
  presence.open("ada")();
  pass(5_000);
  expect(other.view(DESK).count).toBe(0);
  other.close();
});

test("10,000 who come back at once cost each reader at most ten messages within any second", async () => {
  const log = createMemoryLog();
  const hub = createHub(log);
  presence.close();
  presence = createPresence(bus, hub);
  const said: number[] = [];
  const sinks = Array.from({ length: 10_000 }, () => new FakeSink());
  // Each bundle counts with all the messages in it: of the first reader, and in sum of all.
  const watched = sinks[0] ?? new FakeSink();
  let atAll = 0;
  const comeBack = async (sink: FakeSink, n: number) => {
    presence.renew(DESK, `person-${n}`);
    const first = () => presence.block(DESK);
    await hub.subscribeSeveral({ streams: [], listening: { streams: [DESK], first, ping: "" }, sink });
    const write = sink.write.bind(sink);
    if (sink === watched) said.push(Date.now()); // what its connection began with
    sink.write = (bundle) => {
      atAll += 1;
      if (sink === watched) {
        const text = new TextDecoder().decode(bundle.payload);
        for (const _ of text.matchAll(/event: presence/g)) said.push(Date.now());
      }
      return write(bundle);
    };
  };
  // All within two seconds, and the rest of their leases after it: they are gone at once, too.
  for (let n = 0; n < 10_000; n++) {
    const sink = sinks[n];
    if (sink !== undefined) await comeBack(sink, n);
    if (n % 5 === 4) pass(1);
  }
  pass(1_000);
  expect(presence.view(DESK).count).toBe(10_000);
  const whileComing = said.length;
  expect(whileComing).toBeGreaterThan(10);
  pass(60_000);
  expect(presence.view(DESK).count).toBe(0);
  expect(said.length).toBeGreaterThan(whileComing);
  for (const begin of said) {
    const within = said.filter((at) => at >= begin && at < begin + 1_000).length;
    expect(within).toBeLessThanOrEqual(10);
  }
  expect(atAll / sinks.length).toBeLessThanOrEqual(said.length);
  const last = watched.text.split("event: presence\ndata: ").at(-1)?.trim();
  expect(JSON.parse(last ?? "")).toMatchObject({ stream: "desk", count: 0, people: [] });
  hub.close();
  await log.close();
});
