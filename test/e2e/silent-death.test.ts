import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { afterEach, beforeEach, expect, test } from "vitest";
import { createClient } from "../../src/client/index.ts";
import type { Client } from "../../src/client/index.ts";
import { liveOf } from "../../src/client/live.ts";
import { createServer } from "../../src/server.ts";
import type { MillraceServer } from "../../src/server.ts";
import { until } from "../support/client.ts";

const CLIENT = new URL("../../dist/client/index.js", import.meta.url).href;
/** Shorter than the 45 s of a lease: how long it is, is shown in test/hub/presence.test.ts. */
const LEASE_MS = 9_000;

let server: MillraceServer;
let watcher: Client;
let url: string;
let senders: ChildProcess[];

beforeEach(async () => {
  senders = [];
  server = await createServer({ log: "memory", hasPages: false, presence: { leaseMs: LEASE_MS } });
  url = await server.listen(0);
  watcher = createClient({ url });
});
afterEach(async () => {
  for (const sender of senders) sender.kill("SIGKILL");
  watcher.close();
  await server.close();
});

/** A process that types a key each 100 ms and is present, as long as it lives. */
async function startSender(): Promise<ChildProcess> {
  const code = `
    import { createClient } from ${JSON.stringify(CLIENT)};
    import { liveOf } from ${JSON.stringify(CLIENT.replace("index.js", "live.js"))};
    const client = createClient({ url: ${JSON.stringify(url)} });
    const live = liveOf(client);
    live.presence("desk").attend({ name: "Ada" });
    setInterval(() => live.signals("desk", "typing").send({ name: "Ada" }), 100);`;
  const sender = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
  senders.push(sender);
  await until(liveOf(watcher).presence("desk"), ({ count }) => count === 1);
  await until(liveOf(watcher).signals("desk", "typing"), (signals) => signals.length === 1);
  return sender;
}

/** How long it takes until nobody types, and until nobody is here, in milliseconds. */
async function untilGone(): Promise<{ typing: number; presence: number }> {
  const from = Date.now();
  const [typing, presence] = await Promise.all([
    until(liveOf(watcher).signals("desk", "typing"), (signals) => signals.length === 0).then(
      () => Date.now() - from,
    ),
    until(liveOf(watcher).presence("desk"), ({ count }) => count === 0).then(() => Date.now() - from),
  ]);
  return { typing, presence };
}

test("typing and presence of a process that stands still end, though its connection stays open", async () => {
  const sender = await startSender();
  // It holds for as long as it is renewed.
  const stillHere = await Promise.race([
    untilGone(),
    new Promise<"still here">((resolve) => setTimeout(() => resolve("still here"), LEASE_MS + 1_000)),
  ]);
  expect(stillHere).toBe("still here");
  sender.kill("SIGSTOP");
  const gone = await untilGone();
  console.log(`after SIGSTOP: typing gone after ${gone.typing} ms, presence after ${gone.presence} ms`);
  expect(gone.typing).toBeLessThanOrEqual(6_000);
  expect(gone.presence).toBeLessThanOrEqual(LEASE_MS);
  expect(server.readers).toBe(2);
});

test("presence of a process that is killed ends within 5 s, since its connection has closed", async () => {
  const sender = await startSender();
  // Between two signals, which come each three seconds: right after one the way and the timers of a busy machine would have a quarter of a
  // second. That it is six after the last is shown in test/client/signals-store.test.ts.
  const typing = liveOf(watcher).signals("desk", "typing");
  const stop = typing.subscribe(() => undefined);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  expect(typing.getSnapshot()).toHaveLength(1);
  sender.kill("SIGKILL");
  const gone = await untilGone();
  stop();
  console.log(`after SIGKILL: typing gone after ${gone.typing} ms, presence after ${gone.presence} ms`);
  expect(gone.typing).toBeLessThanOrEqual(6_000);
  expect(gone.presence).toBeLessThanOrEqual(5_000);
});
