import "../support/dom.ts";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, expect, test } from "vitest";
import { showOperations } from "../../examples/operations.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;
let proxy: CuttingProxy;
beforeEach(async () => {
  Object.assign(globalThis, { EventSource });
  app = await startApp({ publishesFigures: true });
  proxy = await startCuttingProxy({ target: Number(new URL(await app.server.listen(0)).port) });
});
afterEach(async () => {
  await proxy[Symbol.asyncDispose]();
  await app[Symbol.asyncDispose]();
});

test("the line says what the server does, is marked while it is away, and goes on by itself", async () => {
  const line = document.createElement("p");
  const stop = showOperations(line, `http://127.0.0.1:${proxy.port}`);
  await expect.poll(() => line.textContent).toMatch(/^1 readers · \d+ events\/s · loop [\d.]+ ms · \d+ MB$/);
  expect(["well", "late"]).toContain(line.dataset["state"]);
  proxy.setRefusing(true);
  proxy.cutAll();
  await expect.poll(() => line.dataset["state"]).toBe("away");
  proxy.setRefusing(false);
  await expect.poll(() => line.dataset["state"]).not.toBe("away");
  stop();
});
