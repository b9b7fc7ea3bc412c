import { afterEach, beforeEach, expect, test } from "vitest";
import { createNotificationsStore, liveOf } from "../../src/client/live.ts";
import type { NotificationsStore } from "../../src/client/live.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo, until } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

interface Notice {
  title: string;
  topic?: string;
}

const STREAM = "notifications/ada";
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

/** A page of its own, on another device. */
function open(): { ear: TestClient; store: NotificationsStore<Notice> } {
  const ear = connectTo(app);
  ears.push(ear);
  const store = liveOf(ear.client).notifications<Notice>(STREAM);
  store.subscribe(() => {});
  return { ear, store };
}

const append = (events: object, stream = STREAM) => app.send("POST", `/v1/streams/${stream}`, events);
const notices = (count: number, from = 1): Notice[] =>
  Array.from({ length: count }, (_, at) => ({
    title: `n${from + at}`,
    topic: at % 2 === 0 ? "even" : "odd",
  }));
const ready = (store: NotificationsStore<Notice>, unread: number) =>
  until(store, (view) => view.status === "ready" && view.unread === unread);
const titles = (store: NotificationsStore<Notice>) =>
  store.getSnapshot().entries.map(({ event }) => event.title);
async function marks(): Promise<object[]> {
  const { events } = (await (await app.ask(`/v1/streams/${STREAM}/marks`)).json()) as {
    events: { event: { deleted?: true } }[];
  };
  return events.flatMap(({ event }) => (event.deleted === true ? [] : event));
}

test("what is read on one device is read on the other, at once here and after a reload", async () => {
  await append(notices(4));
  const [one, two] = [open(), open()];
  await Promise.all([ready(one.store, 4), ready(two.store, 4)]);
  void one.store.markRead(one.store.getSnapshot().entries[1]?.cursor ?? "");
  expect(one.store.getSnapshot()).toMatchObject({ unread: 3 });
  await ready(two.store, 3);
  expect(two.store.getSnapshot().entries.map(({ isRead }) => isRead)).toEqual([false, true, false, false]);
  void two.store.markAllRead();
  expect(two.store.getSnapshot().unread).toBe(0);
  await ready(one.store, 0);
  await append({ title: "n5" });
  await Promise.all([ready(one.store, 1), ready(two.store, 1)]);
  const late = open();
  await ready(late.store, 1);
  expect(titles(late.store)).toEqual(["n1", "n2", "n3", "n4", "n5"]);
});

test("the last unread one that is read leaves one mark for all, whatever there was", async () => {
  await append(notices(3));
  const { store } = open();
  await ready(store, 3);
  for (const { cursor } of store.getSnapshot().entries) void store.markRead(cursor);
  expect(store.getSnapshot().unread).toBe(0);
  const last = store.getSnapshot().entries.at(-1)?.cursor;
  await expect.poll(marks).toEqual([{ type: "read", key: last, all: true }]);
  // What is read already says nothing more.
  void store.markAllRead();
  void store.markRead(last ?? "");
  await append({ title: "n4" });
  await ready(store, 1);
  expect(await marks()).toHaveLength(1);
});

test("a muted topic is not counted, neither what came nor what comes, until it is unmuted", async () => {
  await append(notices(4));
  const [one, two] = [open(), open()];
  await Promise.all([ready(one.store, 4), ready(two.store, 4)]);
  void one.store.mute("odd");
  await Promise.all([ready(one.store, 2), ready(two.store, 2)]);
  await append(notices(2, 5));
  await ready(two.store, 3);
  expect(two.store.getSnapshot()).toMatchObject({ mutedTopics: ["odd"] });
  // In the order in which it was said.
  void two.store.unmute("odd");
  void two.store.mute("even");
  void two.store.unmute("even");
  await Promise.all([ready(one.store, 6), ready(two.store, 6)]);
  await expect.poll(() => one.store.getSnapshot().mutedTopics).toEqual([]);
});

test("what comes while the page follows is news; what was there, and what was missed, is not", async () => {
  await append(notices(1));
  const { ear, store } = open();
  await ready(store, 1);
  await append(notices(1, 2));
  await ready(store, 2);
  ear.goOffline(true);
  ear.cut();
  await append(notices(1, 3));
  ear.goOffline(false);
  await ready(store, 3);
  expect(store.getSnapshot().entries.map(({ isReplay }) => isReplay)).toEqual([true, false, true]);
});

test("10,000 at once: the last 1,000 are kept and counted, the same on each device, and one mark reads them", async () => {
  const early = open();
  await ready(early.store, 0);
  for (let from = 1; from <= 10_000; from += 1_000) await append(notices(1_000, from));
  await ready(early.store, 1_000);
  const late = open();
  await ready(late.store, 1_000);
  await expect.poll(() => titles(early.store).at(-1)).toBe("n10000");
  expect(titles(late.store)).toEqual(titles(early.store));
  expect(late.store.getSnapshot().isPartial).toBe(true);
  void late.store.markAllRead();
  await ready(early.store, 0);
  expect(early.store.getSnapshot().isPartial).toBe(false);
  expect(await marks()).toHaveLength(1);
});

test("a page that is loaded later reads what is unread, and of what is read the last 100", async () => {
  await append(notices(500));
  const first = open();
  await ready(first.store, 500);
  void first.store.markAllRead();
  await expect.poll(marks).toHaveLength(1);
  await append(notices(3, 501));
  const late = open();
  await ready(late.store, 3);
  expect(titles(late.store)[0]).toBe("n401");
  expect(late.store.getSnapshot().received).toBe(103);
});

test("a stream that was deleted and made again is unread, whatever was said of the former one", async () => {
  await append(notices(3));
  const { store } = open();
  await ready(store, 3);
  void store.markAllRead();
  await expect.poll(marks).toHaveLength(1);
  await app.ask(`/v1/streams/${STREAM}`, { method: "DELETE" });
  await append(notices(2));
  const late = open();
  await ready(late.store, 2);
  void late.store.markAllRead();
  await ready(late.store, 0);
});

test("a mark that is refused is shown no more, and says why", async () => {
  await append(notices(1));
  await append({ title: "in the way" }, `${STREAM}/marks`);
  const { store } = open();
  await ready(store, 1);
  void store.markAllRead();
  expect(store.getSnapshot().unread).toBe(0);
  const { error } = await until(store, (view) => view.error !== undefined);
  expect(error?.code).toBe("kind-conflict");
  expect(store.getSnapshot().unread).toBe(1);
});

test("an entry that did not change is the same object", async () => {
  await append(notices(2));
  const { client } = connectTo(app);
  const store = createNotificationsStore<Notice>({ ...client, stream: STREAM });
  store.subscribe(() => {});
  await ready(store, 2);
  const [first, second] = store.getSnapshot().entries;
  void store.markRead(second?.cursor ?? "");
  expect(store.getSnapshot().entries[0]).toBe(first);
  expect(store.getSnapshot().entries[1]).toMatchObject({ ...second, isRead: true });
  client.close();
});
