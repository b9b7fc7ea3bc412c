import "../support/dom.ts";
import { StrictMode, createElement } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { MillraceProvider, usePresence, useSignals, useTyping } from "../../src/react/index.ts";
import type { UseTyping } from "../../src/react/index.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

interface Who {
  name: string;
}

let app: TestServer;
let ears: TestClient[];
let roots: Root[];

beforeEach(async () => {
  roots = [];
  ears = [];
  app = await startApp();
});
afterEach(async () => {
  for (const root of roots) root.unmount();
  for (const { client } of ears) client.close();
  await app[Symbol.asyncDispose]();
});

/** Shows a component in a browser of its own, under StrictMode, which mounts everything twice. */
function show(child: ReactNode): { container: HTMLElement; ear: TestClient; root: Root } {
  const container = document.createElement("div");
  const ear = connectTo(app);
  const root = createRoot(container);
  ears.push(ear);
  roots.push(root);
  const below = createElement(MillraceProvider, { client: ear.client }, child);
  root.render(createElement(StrictMode, null, below));
  return { container, ear, root };
}

const typists = new Map<string, UseTyping<Who>>();

function Typing({ me }: { me: string }): ReactNode {
  const typing = useTyping<Who>("desk");
  typists.set(me, typing);
  return typing.typing.map(({ data }) => data?.name).join();
}

function Here({ name }: { name?: string }): ReactNode {
  const { status, count, people } = usePresence<Who>("desk", name === undefined ? undefined : { name });
  return `${status} ${count} ${people.map(({ data }) => data?.name).join()}`;
}

function Pointer(): ReactNode {
  return useSignals<{ x: number }>("board", "pointer")
    .signals.map(({ data }) => data?.x)
    .join();
}

test("who types is shown in other browsers, not in one's own, and is gone with a stop", async () => {
  const ada = show(createElement(Typing, { me: "Ada" }));
  const bob = show(createElement(Typing, { me: "Bob" }));
  await expect.poll(() => app.server.readers).toBe(2);
  for (let n = 0; n < 20; n++) typists.get("Ada")?.type({ name: "Ada" });
  await expect.poll(() => bob.container.textContent).toBe("Ada");
  expect(ada.container.textContent).toBe("");
  typists.get("Ada")?.stop();
  await expect.poll(() => bob.container.textContent).toBe("");
  expect(ada.ear.connections + bob.ear.connections).toBe(2);
});

test("who is here is shown, each once, and is gone when its component is", async () => {
  const watching = show(createElement(Here));
  await expect.poll(() => watching.container.textContent).toBe("ready 0 ");
  const ada = show(
    createElement("p", null, createElement(Here, { name: "Ada" }), createElement(Here, { name: "Ada" })),
  );
  await expect.poll(() => watching.container.textContent).toBe("ready 1 Ada");
  await expect.poll(() => ada.container.textContent).toBe("ready 1 Adaready 1 Ada");
  ada.root.unmount();
  await expect.poll(() => watching.container.textContent).toBe("ready 0 ");
});

test("signals of a kind of one's own are heard, and nobody mounted listens to nothing", async () => {
  const view = show(createElement(Pointer));
  await expect.poll(() => app.server.readers).toBe(1);
  await app.send("POST", "/v1/signals/board", { kind: "pointer", data: { x: 7 } });
  await expect.poll(() => view.container.textContent).toBe("7");
  view.root.unmount();
  await expect.poll(() => app.server.readers).toBe(0);
});
