import { readFileSync } from "node:fs";
import { connect } from "node:net";
import type { Socket } from "node:net";
import { expect, test } from "vitest";
import { readStream } from "../support/reader.ts";
import { startServerProcess } from "../support/server-process.ts";

const READERS = 200;
const WARM_UP_SECONDS = 3;
const SECONDS = 30;
const EVENTS_PER_SECOND = 2_000;
const BATCH = 20;
const MAX_GROWTH_KB = 64 * 1_024;

test(`${READERS} readers that never read cost nothing and hold nobody up`, async () => {
  await using server = await startServerProcess();
  const stream = `${server.url}/v1/streams/flood`;
  await send("PUT", stream, { kind: "log", retention: { maxEvents: 5_000 } });
  const seen = Array.from({ length: READERS }, () => 0);
  const healthy = seen.map((_, reader) =>
    readStream({
      url: stream,
      kind: "log",
      keepsEvents: false,
      onEvent: () => {
        seen[reader] = (seen[reader] ?? 0) + 1;
      },
    }),
  );
  let sent = 0;
  let highest = 0;
  const flood = async (seconds: number) => {
    const begun = Date.now();
    for (let count = 0; count < seconds * EVENTS_PER_SECOND; count += BATCH) {
      const events = Array.from({ length: BATCH }, (_, index) => ({ n: sent + index, text: "x".repeat(60) }));
      await send("POST", stream, events);
      sent += BATCH;
      highest = Math.max(highest, anonymousKb(server.pid));
      const ahead = (count / EVENTS_PER_SECOND) * 1_000 - (Date.now() - begun);
      if (ahead > 0) await new Promise((resolve) => setTimeout(resolve, ahead));
    }
  };
  await flood(BATCH / EVENTS_PER_SECOND);
  await expect.poll(() => seen.every((count) => count === sent)).toBe(true);
  // What a server needs that is at work is not what those cost who never read.
  await flood(WARM_UP_SECONDS);
  const before = anonymousKb(server.pid);
  highest = before;
  const stalled = await Promise.all(seen.map(() => stall(new URL(stream))));
  const begun = Date.now();
  await flood(SECONDS);
  await send("POST", `${stream}?close=true`, []);

  for (const report of await Promise.all(healthy)) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, status: "stream-end" });
  }
  expect(new Set(seen)).toEqual(new Set([sent]));
  for (const socket of stalled) socket.destroy();
  console.log(
    `RssAnon ${before} KB, at most ${highest} KB; ${sent} events in ${((Date.now() - begun) / 1_000).toFixed(1)} s to ${READERS} readers`,
  );
  expect(highest - before).toBeLessThanOrEqual(MAX_GROWTH_KB);
}, 400_000);

/** Asks for a stream and never reads what comes. */
function stall(url: URL): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(Number(url.port), url.hostname, () => {
      socket.pause();
      socket.write(
        `GET ${url.pathname} HTTP/1.1\r\nHost: ${url.host}\r\nAccept: text/event-stream\r\n\r\n`,
        () => resolve(socket),
      );
    });
    // The server cuts who takes nothing for 30 s.
    socket.on("error", reject);
  });
}

function anonymousKb(pid: number): number {
  return Number(/^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

async function send(method: string, url: string, body: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(url, { method, headers, body: JSON.stringify(body) });
  expect(response.ok, `${method} ${url}: ${response.status}`).toBe(true);
}
