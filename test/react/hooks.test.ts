import "../support/dom.ts";
import { StrictMode, createElement } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MillraceProvider, useChat, useChats, useConnection, useModels } from "../../src/react/index.ts";
import type { UseChat, UseChats } from "../../src/react/index.ts";
import { gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo, until } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let ear: TestClient;
let chat: string;
let roots: Root[];

beforeEach(async () => {
  roots = [];
  app = await startApp();
  ear = connectTo(app);
  chat = await ear.client.chats.create();
});

afterEach(async () => {
  for (const root of roots) root.unmount();
  ear.client.close();
  await app[Symbol.asyncDispose]();
});

/** Shows a tree under StrictMode, which mounts everything twice. */
function show(...children: ReactNode[]) {
  const container = document.createElement("div");
  const root = createRoot(container);
  roots.push(root);
  const draw = (...now: ReactNode[]) => {
    const below = createElement(MillraceProvider, { client: ear.client }, ...now);
    root.render(createElement(StrictMode, null, below));
  };
  draw(...children);
  return { container, draw, unmount: () => root.unmount() };
}

let shown: UseChat | undefined;

function Chat({ id }: { id: string }): ReactNode {
  const state = useChat(id);
  shown = state;
  return createElement("p", null, state.path.map(({ message }) => message.text).join("|"));
}

/** The chat that is shown, once it is read. */
async function untilReady(id = chat): Promise<void> {
  await expect.poll(() => [shown?.chat, shown?.status]).toEqual([id, "ready"]);
}

async function untilShown(text: string, container: HTMLElement): Promise<void> {
  await expect.poll(() => container.textContent).toBe(text);
}

test("a chat is shown as it is written, and can be spoken to", async () => {
  const { container } = show(createElement(Chat, { id: chat }));
  await untilReady();
  expect(await shown?.send("Hi")).toBe(true);
  await untilShown("Hi|Hello there", container);
  expect(app.told.calls).toHaveLength(1);
});

test("twenty components on one chat read it once, and each shows it whole", async () => {
  const { container } = show(
    ...Array.from({ length: 20 }, (_, key) => createElement(Chat, { id: chat, key })),
  );
  await untilReady();
  await shown?.send("Hi");
  await untilShown("Hi|Hello there".repeat(20), container);
  expect(ear.connections).toBe(1);
  expect(app.server.readers).toBe(1);
});

test("unmounted and mounted again in the middle, it goes on without a gap", async () => {
  const { opened, open } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "One" };
    await opened;
    yield { type: "text", text: " two" };
    yield { type: "finish", reason: "stop" };
  };
  const first = show(createElement(Chat, { id: chat }));
  await untilReady();
  await shown?.send("Hi");
  await untilShown("Hi|One", first.container);
  first.unmount();
  open();
  const second = show(createElement(Chat, { id: chat }));
  await untilShown("Hi|One two", second.container);
  expect(ear.client.source.counts).toMatchObject({ gaps: 0, doubles: 0 });
});

test("another chat takes the place of the first without mixing", async () => {
  const other = await ear.client.chats.create();
  const view = show(createElement(Chat, { id: chat }));
  await untilReady();
  await shown?.send("first");
  await untilShown("first|Hello there", view.container);
  view.draw(createElement(Chat, { id: other }));
  await untilReady(other);
  await untilShown("", view.container);
  await shown?.send("second");
  await untilShown("second|Hello there", view.container);
});

test("nobody mounted follows nothing", async () => {
  const { unmount } = show(createElement(Chat, { id: chat }));
  await expect.poll(() => app.server.readers).toBe(1);
  unmount();
  await expect.poll(() => app.server.readers).toBe(0);
});

test("commands stay the same functions from one render to the next", async () => {
  const sends = new Set<unknown>();
  function Watch(): ReactNode {
    const { send, stop, path } = useChat(chat);
    sends.add(send).add(stop);
    return path.length;
  }
  const { container } = show(createElement(Watch));
  await ear.client.chat(chat).send("Hi");
  await untilShown("2", container);
  expect(sends.size).toBe(2);
});

test("the list, the models and the connection are shown", async () => {
  let chats: UseChats | undefined;
  function All(): ReactNode {
    chats = useChats();
    const { models } = useModels();
    const { status, retry } = useConnection();
    const text = `${chats.chats.map(({ title }) => title).join()} ${models.length} ${status} ${typeof retry}`;
    return createElement("p", null, text);
  }
  const { container } = show(createElement(All));
  await untilShown(" 3 open function", container);
  await chats?.rename(chat, "Named");
  await untilShown("Named 3 open function", container);
  await until(ear.client.connection, ({ status }) => status === "open");
});
