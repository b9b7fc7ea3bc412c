import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChatView } from "../../src/client/index.ts";
import { gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo, until } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let ear: TestClient;

beforeEach(async () => {
  app = await startApp();
  ear = connectTo(app);
});

afterEach(async () => {
  ear.client.close();
  await app[Symbol.asyncDispose]();
});

const texts = ({ path }: ChatView) => path.map(({ message }) => message.text);
const isDone = ({ isAnswering, path }: ChatView) => !isAnswering && path.at(-1)?.message.role === "assistant";

/** Says two words, then waits for `open` or for a stop. */
function waiting(): () => void {
  const { opened, open } = gate();
  app.told.answer = async function* (_request, signal) {
    yield { type: "text", text: "One" };
    yield { type: "text", text: " two" };
    await Promise.race([opened, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    yield { type: "text", text: " three" };
    yield { type: "finish", reason: "stop" };
  };
  return open;
}

test("a chat is made, asked and answered; the list shows it", async () => {
  const { chats, chat } = ear.client;
  const listed = until(chats, (view) => view.chats.some(({ reason }) => reason === "stop"));
  const store = chat(await chats.create());
  const done = until(store, isDone);
  expect(await store.send("Hi")).toBe(true);
  expect(texts(await done)).toEqual(["Hi", "Hello there"]);
  expect((await listed).chats).toMatchObject([{ title: "Hi", messages: 2 }]);
});

test("what was sent is shown at once, and once", async () => {
  const open = waiting();
  const store = ear.client.chat(await ear.client.chats.create());
  await until(store, ({ status }) => status === "ready");
  const seen: string[][] = [];
  const stop = store.subscribe(() => seen.push(texts(store.getSnapshot())));
  const sent = store.send("Hi");
  expect(texts(store.getSnapshot())).toEqual(["Hi"]);
  expect(store.getSnapshot()).toMatchObject({
    isAnswering: true,
    path: [{ sending: { status: "sending" } }],
  });
  await sent;
  await until(store, (view) => texts(view)[1] === "One two");
  open();
  await until(store, isDone);
  stop();
  expect(seen.every((view) => view.filter((text) => text === "Hi").length === 1)).toBe(true);
  expect(store.getSnapshot().path[0]).not.toHaveProperty("sending");
});

test("a cut in the middle loses nothing, doubles nothing, and asks the model once", async () => {
  const open = waiting();
  const store = ear.client.chat(await ear.client.chats.create());
  const done = until(store, isDone);
  await store.send("Hi");
  await until(store, (view) => texts(view)[1] === "One two");
  ear.cut();
  open();
  expect(texts(await done)).toEqual(["Hi", "One two three"]);
  expect(ear.client.source.counts).toMatchObject({ gaps: 0, doubles: 0 });
  expect(app.told.calls).toHaveLength(1);
});

test("what could not be sent is kept, and sent again as the same", async () => {
  const store = ear.client.chat(await ear.client.chats.create());
  await until(store, ({ status }) => status === "ready");
  await store.send("x".repeat(200_001));
  const [failed] = store.getSnapshot().path;
  expect(failed?.sending).toMatchObject({ status: "failed", error: { code: "prompt-too-large" } });
  expect(store.getSnapshot()).toMatchObject({ isAnswering: false, error: { code: "prompt-too-large" } });
  store.discard(failed?.message.id ?? "");
  expect(store.getSnapshot().path).toEqual([]);
});

test("two that send at once: the loser sees why, keeps its text, and can send it again", async () => {
  const open = waiting();
  const store = ear.client.chat(await ear.client.chats.create());
  const other = connectTo(app);
  const theirs = other.client.chat(store.getSnapshot().chat);
  await Promise.all([store, theirs].map((one) => until(one, ({ status }) => status === "ready")));
  const taken = await Promise.all([store.send("mine"), theirs.send("theirs")]);
  expect(taken.toSorted()).toEqual([false, true]);
  const loser = taken[0] ? theirs : store;
  const view = await until(loser, ({ path }) => path.length >= 2 || path[0]?.sending?.status === "failed");
  const failed = view.path.find(({ sending }) => sending?.status === "failed");
  expect(failed?.sending).toMatchObject({ error: { code: "run-active", run: expect.any(String) as string } });
  open();
  await until(loser, ({ run }) => run === undefined);
  expect(app.told.calls).toHaveLength(1);
  other.client.close();
});

test("stop in one ends it in the other, with the same text", async () => {
  waiting();
  const store = ear.client.chat(await ear.client.chats.create());
  const other = connectTo(app);
  const theirs = other.client.chat(store.getSnapshot().chat);
  await store.send("Hi");
  await until(theirs, (view) => texts(view)[1] === "One two");
  await theirs.stop();
  const views = await Promise.all([store, theirs].map((one) => until(one, isDone)));
  expect(views.map(texts)).toEqual([
    ["Hi", "One two"],
    ["Hi", "One two"],
  ]);
  expect(views[0]?.path[1]?.message).toMatchObject({ end: { reason: "cancelled" } });
  expect(views[0]?.isStopping).toBe(false);
  expect(app.told.aborts).toBe(1);
  other.client.close();
});

test("stop right after send stops what has not begun", async () => {
  app.told.answer = async function* (_request, signal) {
    await new Promise((resolve) => signal.addEventListener("abort", resolve));
    yield { type: "text", text: "too late" };
  };
  const store = ear.client.chat(await ear.client.chats.create());
  await until(store, ({ status }) => status === "ready");
  const sent = store.send("Hi");
  await Promise.all([sent, store.stop()]);
  const view = await until(store, isDone);
  expect(view.path[1]?.message).toMatchObject({ text: "", end: { reason: "cancelled" } });
});

test("branches: the newest is shown, another can be chosen, and nothing is gone", async () => {
  const store = ear.client.chat(await ear.client.chats.create());
  await store.send("first");
  const view = await until(store, isDone);
  await store.regenerate();
  const again = await until(store, (now) => isDone(now) && now.path[1]?.siblings.length === 2);
  expect(again.path[1]?.message.id).not.toBe(view.path[1]?.message.id);
  store.choose(view.path[1]?.message.id ?? "");
  expect(store.getSnapshot().path[1]?.message.id).toBe(view.path[1]?.message.id);
  await store.edit(view.path[0]?.message.id ?? "", "otherwise");
  const edited = await until(store, (now) => isDone(now) && texts(now)[0] === "otherwise");
  expect(edited.path[0]?.siblings).toHaveLength(2);
  store.choose(view.path[1]?.message.id ?? "");
  expect(texts(store.getSnapshot())).toEqual(["first", "Hello there"]);
});

test("continue goes on in the same message", async () => {
  waiting();
  const store = ear.client.chat(await ear.client.chats.create());
  await store.send("Hi");
  await until(store, (view) => texts(view)[1] === "One two");
  await store.stop();
  await until(store, isDone);
  app.told.answer = async function* () {
    yield { type: "text", text: " and more" };
    yield { type: "finish", reason: "stop" };
  };
  await store.continue();
  const view = await until(store, (now) => isDone(now) && texts(now)[1] !== "One two");
  expect(texts(view)).toEqual(["Hi", "One two and more"]);
});

test("a chat that is not there says so, and one that is deleted can be restored", async () => {
  expect((await until(ear.client.chat("nothing1"), ({ status }) => status !== "loading")).status).toBe(
    "unknown",
  );
  const store = ear.client.chat(await ear.client.chats.create());
  await store.send("Hi");
  await until(store, isDone);
  await store.delete();
  await until(store, ({ status }) => status === "deleted");
  await store.restore();
  expect(texts(await until(store, ({ status }) => status === "ready"))).toEqual(["Hi", "Hello there"]);
});

test("everything that is followed comes over one connection", async () => {
  const { client } = ear;
  const ids = await Promise.all([1, 2, 3].map(() => client.chats.create()));
  const stores = ids.map((id) => client.chat(id));
  const stops = [client.chats.subscribe(() => {}), ...stores.map((store) => store.subscribe(() => {}))];
  await Promise.all(stores.map((store) => store.send("Hi")));
  await Promise.all(stores.map((store) => until(store, isDone)));
  await expect.poll(() => app.server.readers).toBe(1);
  for (const stop of stops) stop();
});

test("messages that did not change stay the same objects while another is written", async () => {
  const store = ear.client.chat(await ear.client.chats.create());
  await store.send("one");
  await until(store, isDone);
  const open = waiting();
  await store.send("two");
  const before = await until(store, (view) => texts(view)[3] === "One two");
  open();
  const after = await until(store, isDone);
  expect(after.path.slice(0, 3).every((step, index) => step === before.path[index])).toBe(true);
  expect(after.path[3]).not.toBe(before.path[3]);
});

test("the models are listed, with the one that answers", async () => {
  const { models, defaultModel } = await until(ear.client.models, ({ status }) => status === "ready");
  expect(models.map(({ id }) => id)).toEqual(["told", "guide", "script"]);
  expect(defaultModel).toBe("told");
});
