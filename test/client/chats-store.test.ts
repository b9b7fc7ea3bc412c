import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createChatsStore } from "../../src/client/chats-store.ts";
import { createModelsStore } from "../../src/client/models-store.ts";
import { createApi } from "../../src/client/request.ts";
import { createSourceServer, pass } from "../support/source-server.ts";

/** What the server answers with; undefined: nobody is there. */
let answer: (() => Response) | undefined;
let asked = 0;

const send: typeof fetch = async () => {
  asked += 1;
  await Promise.resolve();
  if (answer === undefined) throw new TypeError("Load failed");
  return answer();
};

beforeEach(() => {
  vi.useFakeTimers();
  answer = undefined;
  asked = 0;
});
afterEach(() => vi.useRealTimers());

function openStore() {
  const server = createSourceServer();
  const api = createApi({ url: "", fetch: send, random: () => 0.5 });
  const store = createChatsStore({ source: server.open(), api });
  return { server, api, store, stop: store.subscribe(() => {}) };
}

it("says at once that the list cannot be found, and looks again every two seconds", async () => {
  const { server, store } = openStore();
  await pass(1);
  expect(store.getSnapshot()).toMatchObject({ status: "loading", error: { code: "internal" } });
  await pass(2_000);
  expect(asked).toBe(2);
  answer = () => Response.json({ stream: "people/local/chats" });
  await pass(2_010);
  expect(store.getSnapshot()).not.toHaveProperty("error");
  expect(server.transport.last.streams).toEqual(["people/local/chats"]);
});

it("asks no more where it was refused, until somebody wants it", async () => {
  answer = () => new Response("no", { status: 401 });
  const { server, api, store } = openStore();
  const models = createModelsStore(api);
  models.subscribe(() => {});
  await pass(1);
  const message = "You are signed out. Sign in to go on.";
  expect(store.getSnapshot().error).toMatchObject({ code: "unauthorized", message, isRetryable: false });
  expect(models.getSnapshot()).toMatchObject({ status: "failed", error: { code: "unauthorized" } });
  await pass(600_000);
  expect(asked).toBe(2);
  answer = () => Response.json({ stream: "people/local/chats", data: [] });
  store.refresh();
  await models.refresh();
  await pass(20);
  expect(store.getSnapshot()).not.toHaveProperty("error");
  expect(models.getSnapshot().status).toBe("ready");
  expect(server.transport.attempts).toHaveLength(1);
});

it("leaves nothing behind when nobody listens", async () => {
  const { stop } = openStore();
  await pass(1);
  stop();
  await pass(5_000);
  const before = asked;
  await pass(60_000);
  expect(asked).toBe(before);
  expect(vi.getTimerCount()).toBe(0);
});
