import "../support/dom.ts";
import { createElement } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Notifications } from "../../examples/notifications.tsx";
import { MillraceProvider } from "../../src/react/index.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let windows: { ear: TestClient; root: Root; page: HTMLElement }[];

beforeEach(async () => {
  app = await startApp();
  windows = [1, 2].map(() => {
    const ear = connectTo(app);
    const page = document.createElement("div");
    const root = createRoot(page);
    const below = createElement(Notifications, { person: "ada" });
    root.render(createElement(MillraceProvider, { client: ear.client }, below));
    return { ear, root, page };
  });
});
afterEach(async () => {
  for (const { ear, root } of windows) {
    root.unmount();
    ear.client.close();
  }
  await app[Symbol.asyncDispose]();
});

const says = () =>
  windows.map(({ page }) => [
    page.querySelector("h2")?.textContent,
    ...[...page.querySelectorAll("b")].map(({ textContent }) => textContent),
  ]);
const untilBothSay = (...what: string[]) => expect.poll(says).toEqual([what, what]);

function press(index: number, label: string): void {
  const buttons = [...(windows[index]?.page.querySelectorAll("button") ?? [])];
  const button = buttons.find(({ textContent }) => textContent === label);
  if (button === undefined) throw new Error(`there is no button ${label}`);
  button.click();
}

test("two devices of one person: what comes, is read and is muted is the same on both", async () => {
  await untilBothSay("0 unread");
  press(0, "Send one");
  await untilBothSay("1 unread", "Hello");
  const event = { title: "Build 42 failed", topic: "builds" };
  await app.send("POST", "/v1/streams/notifications/ada", event);
  await untilBothSay("2 unread", "Build 42 failed", "Hello");
  press(1, "Read");
  await untilBothSay("1 unread", "Hello");
  await app.send("POST", "/v1/streams/notifications/ada", { ...event, title: "Build 43 failed" });
  await untilBothSay("2 unread", "Build 43 failed", "Hello");
  press(0, "Mute");
  await untilBothSay("1 unread", "Hello");
  press(1, "Unmute builds");
  await untilBothSay("2 unread", "Build 43 failed", "Hello");
  press(1, "Mark all read");
  await untilBothSay("0 unread");
});
