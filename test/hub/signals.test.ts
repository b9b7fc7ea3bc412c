import { beforeEach, expect, test, vi } from "vitest";
import { createSignals } from "../../src/hub/signals.ts";
import type { NewSignal, Signals, SignalsOptions } from "../../src/hub/signals.ts";
import { createBus } from "../../src/log/bus.ts";
import type { Bus } from "../../src/log/bus.ts";
import type { Signal } from "../../src/protocol/event.ts";
import { parseStreamName } from "../../src/protocol/names.ts";

const STREAM = parseStreamName("tickets/42");

let now: number;
let bus: Bus;
let signals: Signals;
let told: Signal[];

beforeEach(() => {
  now = 1_000_000;
  bus = createBus();
  told = [];
  signals = start();
});

function start(options: SignalsOptions = {}): Signals {
  return createSignals(bus, { tell: keep }, { now: () => now, ...options });
}

function keep(_stream: string, _topic: string, make: () => string): void {
  told.push(JSON.parse(/data: (.*)\n/.exec(make())?.[1] ?? "") as Signal);
}

function send(more: Partial<NewSignal> = {}, by = signals): void {
  by.send({ stream: STREAM, kind: "typing", person: "local", sender: "local.a", stop: false, ...more });
}

const tooMany = expect.objectContaining({ code: "too-many-signals", isRetryable: true }) as Error;

test("a signal is told with its sender and for how long it holds, as a named event without an id", () => {
  const tell = vi.fn<(stream: string, topic: string, make: () => string) => void>();
  const alone = createSignals(createBus(), { tell }, { now: () => now });
  send({ data: { role: "agent" } }, alone);
  const [[stream, , make]] = tell.mock.calls as [[string, string, () => string]];
  expect(stream).toBe("tickets/42");
  expect(make()).toBe(
    'event: signal\ndata: {"stream":"tickets/42","kind":"typing","person":"local","sender":"local.a","ttlMs":5750,"data":{"role":"agent"}}\n\n',
  );
});

test("one of a sender and a kind passes each second", () => {
  send();
  now += 999;
  expect(() => send()).toThrow(tooMany);
  now += 1;
  send();
  expect(told).toHaveLength(2);
});

test("other kinds, senders and streams do not hinder each other", () => {
  send();
  send({ kind: "looking" });
  send({ sender: "local.b" });
  send({ stream: parseStreamName("tickets/43") });
  expect(told).toHaveLength(4);
});

test("a stop always passes, once for what holds, and what follows it may come at once", () => {
  send();
  send({ stop: true });
  send({ stop: true });
  expect(told.map(({ stop = false, ttlMs }) => [stop, ttlMs])).toEqual([
    [false, 5_750],
    [true, undefined],
  ]);
  send();
  expect(told).toHaveLength(3);
});

test("a stop of what another node told passes here, and one of what holds no longer is not told", () => {
  const other = start();
  send({}, other);
  send({ stop: true });
  expect(told.filter(({ stop }) => stop === true)).toHaveLength(2); // told on both nodes
  send();
  now += 5_750;
  send({ stop: true });
  expect(told.filter(({ stop }) => stop === true)).toHaveLength(2);
});

test("a sender has eight kinds at a time", () => {
  for (let n = 0; n < 8; n++) send({ kind: `kind-${n}` });
  expect(() => send({ kind: "kind-8" })).toThrow(tooMany);
  now += 1_000;
  send({ kind: "kind-0" });
  now += 4_750;
  send({ kind: "kind-8" });
  expect(told).toHaveLength(10);
});

test("senders are bounded, and forgotten when nothing of them holds any more", () => {
  signals.close();
  signals = start({ maxSenders: 100 });
  for (let n = 0; n < 100; n++) send({ sender: `local.${n}` });
  expect(() => send({ sender: "local.one-more" })).toThrow(tooMany);
  now += 3_000;
  send({ sender: "local.7" });
  now += 2_750;
  send({ sender: "local.one-more" });
  now += 1;
  expect(() => send({ sender: "local.one-more" })).toThrow(tooMany);
  send({ stop: true, sender: "local.7" });
  expect(told.at(-1)).toMatchObject({ sender: "local.7", stop: true });
});

test("what is closed tells nothing", () => {
  signals.close();
  send();
  expect(told).toEqual([]);
});
