import "../support/dom.ts";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { SupportDesk } from "../../examples/support-desk.tsx";
import { MillraceProvider } from "../../src/react/index.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

interface Window {
  ear: TestClient;
  root: Root;
  page: HTMLElement;
}

let app: TestServer;
let windows: [customer: Window, agent: Window];

beforeEach(async () => {
  app = await startApp();
  windows = [openWindow("Ada"), openWindow("Robin")];
});

afterEach(async () => {
  for (const { ear, root, page } of windows) {
    root.unmount();
    page.remove();
    ear.client.close();
  }
  await app[Symbol.asyncDispose]();
});

function openWindow(me: string): Window {
  const ear = connectTo(app);
  const page = document.body.appendChild(document.createElement("div"));
  const root = createRoot(page);
  root.render(createElement(MillraceProvider, { client: ear.client }, createElement(SupportDesk, { me })));
  return { ear, root, page };
}

const texts = ({ page }: Window, what: string) =>
  [...page.querySelectorAll(what)].map(({ textContent }) => textContent);

async function press({ page }: Window, label: string): Promise<void> {
  const find = () => [...page.querySelectorAll("button")].find(({ textContent }) => textContent === label);
  await expect.poll(find).toBeDefined();
  find()?.click();
}

/** As a person does: React hears of what is typed by the event, and of the value by its own setter. */
async function write({ page }: Window, form: number, text: string): Promise<HTMLFormElement | null> {
  await expect.poll(() => page.querySelectorAll("form").length).toBeGreaterThan(form);
  const input = page.querySelectorAll("form").item(form).querySelector("input");
  const { HTMLInputElement, Event } = globalThis.window as unknown as typeof globalThis; // jsdom's has them all
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, text);
  input?.dispatchEvent(new Event("input", { bubbles: true }));
  await expect.poll(() => input?.value).toBe(text);
  return input?.form ?? null;
}

test("a ticket of one window is read, answered and closed in the other, which sees who types", async () => {
  const [customer, agent] = windows;
  (await write(customer, 0, "The tap drips"))?.requestSubmit();
  for (const window of windows) await press(window, "The tap drips");
  // A signal is for those who listen already: she goes on typing until the other window does.
  let letters = 0;
  const type = async () => {
    letters += 1;
    await write(customer, 0, "Since Monday.".slice(0, letters));
    return texts(agent, "i");
  };
  await expect.poll(type, { interval: 500 }).toEqual(["Ada is typing…"]);
  const thread = await write(customer, 0, "Since Monday.");
  expect(texts(customer, "i")).toEqual([""]);
  thread?.requestSubmit();
  for (const window of windows) {
    await expect.poll(() => texts(window, "form p")).toEqual(["Ada: Since Monday."]);
    await expect.poll(() => texts(window, "i")).toEqual([""]);
  }
  (await write(agent, 0, "I come."))?.requestSubmit();
  await expect.poll(() => texts(customer, "form p")).toEqual(["Ada: Since Monday.", "Robin: I come."]);
  await press(agent, "close");
  await expect.poll(() => texts(customer, "button")).toEqual(["The tap drips", "reopen"]);
});
