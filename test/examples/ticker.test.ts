import "../support/dom.ts";
import { afterEach, beforeEach, expect, test } from "vitest";
import { publishPrices, showTicker } from "../../examples/ticker.ts";
import type { Price } from "../../examples/ticker.ts";
import { liveOf } from "../../src/client/live.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";
import { connectTo } from "../support/client.ts";
import type { TestClient } from "../support/client.ts";

let app: TestServer;
let ear: TestClient;
let root: HTMLElement;

beforeEach(async () => {
  app = await startApp();
  ear = connectTo(app);
  root = document.createElement("div");
});

afterEach(async () => {
  ear.client.close();
  await app[Symbol.asyncDispose]();
});

const rows = () => [...root.children].map(({ textContent }) => textContent).toSorted();

test("5,000 changes of 50 symbols end with the last price of each, in far fewer writes", async () => {
  let writes = 0;
  const stop = showTicker(root, ear.client);
  const stopCounting = liveOf(ear.client)
    .state<Price>("prices")
    .subscribe(() => {
      writes += 1;
    });
  const prices = Array.from({ length: 5_000 }, (_, n) => ({ key: `s${n % 50}`, price: n }));
  await publishPrices(ear.client, prices);
  const last = prices.slice(-50).map(({ key, price }) => `${key} ${price}.00 `);
  await expect.poll(() => rows().map((row) => row?.slice(0, -1))).toEqual(last.toSorted());
  expect(writes).toBeLessThan(500);
  await publishPrices(ear.client, [{ key: "s0", price: 1 }]);
  await expect.poll(rows).toContain("s0 1.00 ▼");
  await app.send("POST", "/v1/streams/prices", { key: "s0", deleted: true });
  await expect.poll(() => root.children.length).toBe(49);
  stopCounting();
  stop();
});
