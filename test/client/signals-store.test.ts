import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Told } from "../../src/client/delivery.ts";
import type { Api } from "../../src/client/request.ts";
import { createSignalsStore } from "../../src/client/signals-store.ts";
import type { SignalsStore } from "../../src/client/signals-store.ts";
import { gate } from "../support/app.ts";
import { createSourceServer, pass } from "../support/source-server.ts";

/** What was sent, and when since the start. */
let sent: { body: Record<string, unknown>; at: number }[];
let startedAt: number;
/** Answers, or does not. */
let answer: () => Promise<unknown>;
let listeners: Set<(told: Told) => void>;
let store: SignalsStore<{ role: string }>;
let ends: (() => void)[];

beforeEach(() => {
  vi.useFakeTimers();
  startedAt = Date.now();
  sent = [];
  listeners = new Set();
  ends = [];
  answer = () => Promise.resolve({ person: "local", sender: "me" });
  store = start();
});
afterEach(() => vi.useRealTimers());

function start(): SignalsStore<{ role: string }> {
  const api: Api = {
    send(method, path, body, options) {
      expect([method, path, options]).toEqual(["POST", "/v1/signals/desk", { patienceMs: 0 }]);
      sent.push({ body: body as Record<string, unknown>, at: Date.now() - startedAt });
      return answer();
    },
  };
  const source = {
    ...createSourceServer().open({ browser: "b".repeat(20) }),
    listen(_stream: string, onTold: (told: Told) => void) {
      listeners.add(onTold);
      return () => listeners.delete(onTold);
    },
  };
  return createSignalsStore({ source, api, stream: "desk", kind: "typing", window: "w".repeat(20) });
}

function show(): void {
  ends.push(store.subscribe(() => undefined));
}

function tell(sender: string, more: object = {}): void {
  const data = { stream: "desk", kind: "typing", person: "local", sender, ttlMs: 5_750, ...more };
  for (const listener of listeners) listener({ event: "signal", data });
}

const senders = () => store.getSnapshot().map(({ sender }) => sender);
const sentAt = () => sent.map(({ at }) => at);

test("a signal is gone six seconds after the last, though nobody says so", async () => {
  show();
  tell("ada");
  await pass(3_000);
  tell("ada");
  await pass(5_749);
  expect(senders()).toEqual(["ada"]);
  await pass(1);
  expect(senders()).toEqual([]);
});

test("a clock that is set back keeps nobody typing", async () => {
  show();
  tell("ada");
  vi.setSystemTime(startedAt - 3_600_000);
  await pass(5_750);
  expect(senders()).toEqual([]);
});

test("a stop ends it at once, and other kinds are not ours", () => {
  show();
  tell("ada");
  tell("bob", { kind: "looking" });
  for (const listener of listeners) listener({ event: "presence", data: { count: 1 } });
  expect(senders()).toEqual(["ada"]);
  tell("ada", { stop: true, ttlMs: undefined });
  expect(senders()).toEqual([]);
});

test("a signal that is renewed is the same object, and nothing is drawn again", async () => {
  const onChange = vi.fn();
  ends.push(store.subscribe(onChange));
  tell("ada", { data: { role: "agent" } });
  const shown = store.getSnapshot();
  await pass(3_000);
  tell("ada", { data: { role: "agent" } });
  expect(store.getSnapshot()).toBe(shown);
  expect(onChange).toHaveBeenCalledTimes(1);
  tell("ada", { data: { role: "customer" } });
  expect(store.getSnapshot()).toEqual([
    { sender: "ada", person: "local", since: startedAt, data: { role: "customer" } },
  ]);
});

test("keys that are pressed are said at once, and then each three seconds", async () => {
  for (let n = 0; n < 100; n++) {
    store.send({ role: "agent" });
    await pass(100);
  }
  expect(sentAt()).toEqual([0, 3_000, 6_000, 9_000]);
  expect(sent[0]?.body).toEqual({
    kind: "typing",
    browser: "b".repeat(20),
    window: "w".repeat(20),
    data: { role: "agent" },
  });
});

test("other data is said each second, the latest", async () => {
  for (let n = 0; n < 25; n++) {
    store.send({ role: String(n) });
    await pass(100);
  }
  expect(sent.map(({ body }) => body["data"])).toEqual([{ role: "0" }, { role: "10" }, { role: "20" }]);
  await pass(2_000);
  expect(sent.at(-1)?.body["data"]).toEqual({ role: "24" });
  expect(sentAt()).toEqual([0, 1_050, 2_100, 3_150]);
});

test("a stop is said once, and not where nothing was said; what is said after it comes at once", async () => {
  store.stop();
  store.send();
  await pass(500);
  store.stop();
  store.stop();
  await pass(0);
  store.send();
  await pass(0);
  expect(sent.map(({ body }) => body["stop"] ?? false)).toEqual([false, true, false]);
  expect(sentAt()).toEqual([0, 500, 500]);
});

test("a stop does not overtake what it ends, and nothing queues behind an answer that is long in coming", async () => {
  const { opened, open } = gate();
  answer = () => opened.then(() => ({ sender: "me" }));
  store.send({ role: "a" });
  await pass(2_000);
  store.send({ role: "b" });
  await pass(2_000);
  store.stop();
  expect(sent).toHaveLength(1);
  open();
  await pass(0);
  expect(sent.map(({ body }) => body["stop"] ?? body["data"])).toEqual([{ role: "a" }, true]);
});

test("one's own signal is never shown, also before the server has said who one is", async () => {
  const { opened, open } = gate();
  answer = () => opened.then(() => ({ sender: "me" }));
  show();
  tell("ada");
  await pass(1);
  store.send();
  tell("me");
  tell("bob");
  expect(senders()).toEqual(["ada"]);
  open();
  await pass(0);
  expect(senders()).toEqual(["ada", "bob"]);
});

test("what cannot be sent is let go, and tried with the next; others are shown", async () => {
  answer = () => Promise.reject(new Error("offline"));
  show();
  store.send();
  tell("ada");
  await pass(0);
  expect(senders()).toEqual(["ada"]);
  await pass(3_000);
  store.send();
  await pass(0);
  expect(sent).toHaveLength(2);
});

test("of more than 100 senders the earliest are dropped", () => {
  show();
  for (let n = 0; n <= 100; n++) tell(`p${n}`);
  expect(senders()).toHaveLength(100);
  expect(senders()[0]).toBe("p1");
});

test("a page that leaves says stop, hears nothing more and has no timer left", async () => {
  show();
  tell("ada");
  store.send();
  await pass(0);
  for (const end of ends) end();
  await pass(1_000);
  expect(listeners.size).toBe(0);
  expect(sent.at(-1)?.body["stop"]).toBe(true);
  expect(senders()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
});
