import "../support/dom.ts";
import { StrictMode, createElement } from "react";
import type { ReactNode } from "react";
import { createRoot } from "react-dom/client";
import type { Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test } from "vitest";
import { liveOf } from "../../src/client/live.ts";
import { MillraceProvider, useFeed, useStreamState } from "../../src/react/index.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

interface Score {
  key: string;
  home: number;
}

let app: TestServer;
let ear: TestClient;
let root: Root;
let container: HTMLElement;
let renders = 0;

beforeEach(async () => {
  app = await startApp();
  ear = connectTo(app);
  container = document.createElement("div");
  root = createRoot(container);
  renders = 0;
});

afterEach(async () => {
  root.unmount();
  ear.client.close();
  await app[Symbol.asyncDispose]();
});

function show(child: () => ReactNode): void {
  const below = createElement(MillraceProvider, { client: ear.client }, createElement(child));
  root.render(createElement(StrictMode, null, below));
}

const text = () => container.textContent;
const append = (stream: string, events: object) => app.send("POST", `/v1/streams/${stream}`, events);

function Board(): ReactNode {
  const { entries, status } = useStreamState<Score>("scores");
  renders += 1;
  return `${status} ${[...entries.values()].map(({ key, home }) => `${key}:${home}`).join(" ")}`;
}

function Feed(): ReactNode {
  return useFeed<{ n: number }>("news", { limit: 3 })
    .events.map(({ event }) => event.n)
    .join();
}

function One(): ReactNode {
  return useFeed<{ n: number }>("news").events.length;
}

test("a board of a state stream shows the last event of each key", async () => {
  await app.send("PUT", "/v1/streams/scores", { kind: "state" });
  await append("scores", [
    { key: "m1", home: 1 },
    { key: "m2", home: 0 },
  ]);
  show(Board);
  await expect.poll(text).toBe("ready m1:1 m2:0");
  await append("scores", { key: "m1", home: 2 });
  await expect.poll(text).toBe("ready m2:0 m1:2");
  await append("scores", { key: "m2", deleted: true });
  await expect.poll(text).toBe("ready m1:2");
});

test("a thousand changes at once are a few renders, and the last one is shown", async () => {
  await app.send("PUT", "/v1/streams/scores", { kind: "state" });
  show(Board);
  await expect.poll(text).toBe("ready ");
  const before = renders;
  await append(
    "scores",
    Array.from({ length: 1_000 }, (_, home) => ({ key: "m1", home })),
  );
  await expect.poll(text).toBe("ready m1:999");
  expect(renders - before).toBeLessThan(60);
});

test("a feed keeps the last events that it was told to keep, and goes on through a cut", async () => {
  show(Feed);
  await append("news", [{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  await expect.poll(text).toBe("2,3,4");
  ear.cut();
  await append("news", { n: 5 });
  await expect.poll(text).toBe("3,4,5");
  expect(ear.client.source.counts).toMatchObject({ gaps: 0, doubles: 0 });
});

test("many components on one stream read it once", async () => {
  await append("news", { n: 1 });
  show(() => Array.from({ length: 20 }, (_, key) => createElement(One, { key })));
  await expect.poll(text).toBe("1".repeat(20));
  expect(app.server.readers).toBe(1);
  expect(liveOf(ear.client).feed("news")).toBe(liveOf(ear.client).feed("news"));
});
