import "../support/dom.ts";
import { StrictMode, createElement } from "react";
import { createRoot } from "react-dom/client";
import { renderToString } from "react-dom/server";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { App } from "../../examples/react-chat.tsx";
import { MillraceProvider } from "../../src/react/index.ts";
import { gate, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let ear: TestClient;
let root: Root;
let page: HTMLElement;

beforeEach(async () => {
  app = await startApp();
  ear = connectTo(app);
  page = document.body.appendChild(document.createElement("div"));
  root = createRoot(page);
  const below = createElement(MillraceProvider, { client: ear.client }, createElement(App));
  root.render(createElement(StrictMode, null, below));
  await expect.poll(() => page.textContent).toContain("New chat");
});

afterEach(async () => {
  root.unmount();
  page.remove();
  ear.client.close();
  await app[Symbol.asyncDispose]();
});

const shown = () => [...page.querySelectorAll("section p:not([role])")].map(({ textContent }) => textContent);

async function press(label: string): Promise<void> {
  const find = () => [...page.querySelectorAll("button")].find(({ textContent }) => textContent === label);
  await expect.poll(find).toBeDefined();
  find()?.click();
}

/** As a person does: React hears of what is typed by the event, and of the value by its own setter. */
async function write(text: string): Promise<void> {
  await expect.poll(() => page.querySelector("input")).not.toBeNull();
  const input = page.querySelector("input");
  const form = page.querySelector("form");
  const { HTMLInputElement, Event } = window as unknown as typeof globalThis; // jsdom's has them all
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
  input?.dispatchEvent(new Event("input", { bubbles: true }));
  await expect.poll(() => input?.value).toBe(text);
  form?.requestSubmit();
}

test("a chat is made, asked, answered, stopped and answered again", async () => {
  const { opened, open } = gate();
  app.told.answer = async function* (_request, signal) {
    yield { type: "text", text: "One" };
    await Promise.race([opened, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    yield { type: "text", text: " two" };
    yield { type: "finish", reason: "stop" };
  };
  await press("New chat");
  await write("Hi");
  await expect.poll(shown).toEqual(["user: Hi", "assistant: One"]);
  await press("Stop");
  await press("Answer again");
  open();
  await expect.poll(shown).toEqual(["user: Hi", "assistant: One two"]);
  expect(page.querySelector("input")?.value).toBe("");
  expect(app.told.calls).toHaveLength(2);
});

test("what is refused while another tab has an answer written says why, and can be sent again", async () => {
  const { opened, open } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "One" };
    await opened;
    yield { type: "text", text: " two" };
    yield { type: "finish", reason: "stop" };
  };
  await press("New chat");
  await expect.poll(() => ear.client.chats.getSnapshot().chats).toHaveLength(1);
  const other = connectTo(app);
  await other.client.chat(ear.client.chats.getSnapshot().chats[0]?.id ?? "").send("theirs");
  await expect.poll(shown).toEqual(["user: theirs", "assistant: One"]);
  await write("mine");
  await expect.poll(() => page.querySelector('[role="alert"]')?.textContent).toContain("Stop it, or wait");
  await expect.poll(shown).toContain("user: mineSend again");
  open();
  await expect.poll(shown).toContain("assistant: One two");
  // The last word may be there before the end: until then what is sent again would be refused again.
  await expect.poll(async () => (await app.server.log.openWriters()).length).toBe(0);
  await press("Send again");
  await expect
    .poll(shown)
    .toEqual(["user: theirs", "assistant: One two", "user: mine", "assistant: One two"]);
  other.client.close();
});

test("rendered on a server it asks for nothing", () => {
  const before = ear.connections;
  const below = createElement(MillraceProvider, { client: ear.client }, createElement(App));
  expect(renderToString(below)).toContain("New chat");
  expect(ear.connections).toBe(before);
});
