import "../support/dom.ts";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Scoreboard } from "../../examples/scoreboard.tsx";
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
let windows: Window[];

beforeEach(async () => {
  app = await startApp();
  windows = [1, 2].map(() => {
    const ear = connectTo(app);
    const page = document.body.appendChild(document.createElement("div"));
    const root = createRoot(page);
    root.render(createElement(MillraceProvider, { client: ear.client }, createElement(Scoreboard)));
    return { ear, root, page };
  });
});

afterEach(async () => {
  for (const { ear, root, page } of windows) {
    root.unmount();
    page.remove();
    ear.client.close();
  }
  await app[Symbol.asyncDispose]();
});

const scores = ({ page }: Window) => [...page.querySelectorAll("b")].map(({ textContent }) => textContent);

async function untilAllShow(expected: string[]): Promise<void> {
  await expect.poll(() => windows.map(scores)).toEqual([expected, expected]);
}

function window(index: number): Window {
  const found = windows[index];
  if (found === undefined) throw new Error(`there is no window ${index}`);
  return found;
}

function press({ page }: Window, label: string): void {
  const button = [...page.querySelectorAll("button")].find(({ textContent }) => textContent === label);
  if (button === undefined) throw new Error(`there is no button ${label}`);
  button.click();
}

/** As a person does: React hears of what is typed by the event, and of the value by its own setter. */
async function begin({ page }: Window, name: string): Promise<void> {
  await expect.poll(() => page.querySelector("input")).not.toBeNull();
  const input = page.querySelector("input");
  const { HTMLInputElement, Event } = globalThis.window as unknown as typeof globalThis; // jsdom's has them all
  Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value")?.set?.call(input, name);
  input?.dispatchEvent(new Event("input", { bubbles: true }));
  await expect.poll(() => input?.value).toBe(name);
  page.querySelector("form")?.requestSubmit();
}

test("a match that is kept in one window is shown in both, through a cut", async () => {
  await begin(window(0), "final");
  await untilAllShow(["final 0:0"]);
  press(window(0), "home scores");
  await untilAllShow(["final 1:0"]);
  press(window(1), "away scores");
  await untilAllShow(["final 1:1"]);
  window(1).ear.goOffline(true);
  window(1).ear.cut();
  press(window(0), "home scores");
  await expect.poll(() => scores(window(0))).toEqual(["final 2:1"]);
  window(1).ear.goOffline(false);
  await untilAllShow(["final 2:1"]);
  await expect.poll(() => window(1).page.textContent).toContain("1 changes came while");
  press(window(1), "remove");
  await untilAllShow([]);
});
