import { afterEach, beforeEach, expect, test } from "vitest";
import { browserSecret } from "../../src/client/browser.ts";
import { createPresenceStore, liveOf } from "../../src/client/live.ts";
import type { Client, Told } from "../../src/client/index.ts";
import { gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo, until } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let ears: TestClient[];

beforeEach(async () => {
  app = await startApp();
  ears = [];
});
afterEach(async () => {
  for (const { client } of ears) client.close();
  await app[Symbol.asyncDispose]();
});

/** A client of another browser: there is no storage here that two would share. */
function connect(): Client {
  const ear = connectTo(app);
  ears.push(ear);
  return ear.client;
}

test("browsers see each other come and go, each counted once", async () => {
  const [ada, bob] = [connect(), connect()];
  const watched = liveOf(bob).presence<{ name: string }>("desk");
  await until(watched, ({ status, count }) => status === "ready" && count === 0);
  const stop = liveOf(ada).presence<{ name: string }>("desk").attend({ name: "Ada" });
  liveOf(ada).presence("desk").attend({ name: "Ada" });
  const { people, me } = await until(watched, ({ count }) => count === 1);
  expect(people.map(({ data }) => data)).toEqual([{ name: "Ada" }]);
  expect(me).not.toBe(people[0]?.person);
  liveOf(bob).presence<{ name: string }>("desk").attend({ name: "Bob" });
  const both = await until(watched, ({ count }) => count === 2);
  expect(both.people[1]?.person).toBe(both.me);
  stop();
  expect((await until(watched, ({ count }) => count === 2)).count).toBe(2);
});

test("an answer that comes later than what was told after it changes nothing but who one is", async () => {
  const { opened, open } = gate();
  const listeners: ((told: Told) => void)[] = [];
  const tell = (told: Told) => listeners.forEach((listener) => listener(told));
  const own = connect();
  const store = createPresenceStore({
    stream: "desk",
    source: {
      ...own.source,
      listen(_stream, onTold) {
        listeners.push(onTold);
        return () => undefined;
      },
    },
    api: { send: () => opened.then(() => ({ at: 1_000, count: 1, people: [], person: "ada" })) },
  });
  const stop = store.subscribe(() => undefined);
  tell({ event: "presence", data: { at: 1_001, count: 2, people: [] } });
  open();
  await until(store, ({ me }) => me === "ada");
  expect(store.getSnapshot()).toEqual({ status: "ready", count: 2, people: [], me: "ada" });
  // The server's clock was set back.
  tell({ event: "presence", data: { at: -60_000, count: 3, people: [] } });
  expect(store.getSnapshot().count).toBe(3);
  stop();
});

test("two windows see each other type, and not themselves", async () => {
  const [ada, bob] = [connect(), connect()];
  const ofAda = liveOf(ada).signals<{ role: string }>("desk", "typing");
  const ofBob = liveOf(bob).signals<{ role: string }>("desk", "typing");
  const stop = ofAda.subscribe(() => undefined);
  await until(bob.connection, () => true);
  const heard = until(ofBob, (signals) => signals.length === 1);
  await until(ada.connection, ({ status }) => status === "open");
  await until(bob.connection, ({ status }) => status === "open");
  ofAda.send({ role: "agent" });
  expect((await heard)[0]).toMatchObject({
    person: expect.stringContaining("local."),
    data: { role: "agent" },
  });
  expect(ofAda.getSnapshot()).toEqual([]);
  const gone = until(ofBob, (signals) => signals.length === 0);
  ofAda.stop();
  await gone;
  stop();
});

test("a browser has one secret in all its tabs, and one of the page where nothing can be stored", () => {
  const kept = new Map<string, string>();
  const storage = {
    getItem: (name: string) => kept.get(name) ?? null,
    setItem: (name: string, value: string) => void kept.set(name, value),
  };
  expect(browserSecret(storage)).toBe(browserSecret(storage));
  kept.set("millrace-browser", "no secret");
  expect(browserSecret(storage)).toMatch(/^[a-z0-9]{20}$/);
  const refusing = {
    getItem: () => {
      throw new Error("refused");
    },
    setItem: () => undefined,
  };
  expect(browserSecret(refusing)).toMatch(/^[a-z0-9]{20}$/);
});
