import type { Socket } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { EVENTS, answerSlowly, blocks, startApp } from "../support/app.ts";
import { open, sendRaw, statusOf } from "../support/raw-http.ts";
import { readStream } from "../support/reader.ts";

/** Opens connections that have begun a request and do not get on with it. */
function openSlow(url: string, count: number): Promise<Socket[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = open(url, () => socket.write("GET /v1/streams/a HTTP/1.1\r\nHo"));
      socket.on("error", () => undefined);
      await once(socket, "connect");
      return socket;
    }),
  );
}

test("who sends its head a byte at a time is answered with 408 when its time is over, and the others are not", async () => {
  await using app = await startApp({ connections: { headMs: 1_000 } });
  const url = await app.server.listen(0);
  const reading = readStream({ url: `${url}/v1/streams/a`, kind: "log" });
  await expect.poll(() => app.server.readers).toBe(1);
  const head = `GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\n${"X-Slow: a\r\n".repeat(500)}`;
  const answer = await new Promise<string>((resolve) => {
    let text = "";
    let at = 0;
    const socket = open(url);
    const timer = setInterval(() => socket.write(head[at++] ?? "a"), 10);
    socket.on("data", (piece) => (text += piece.toString()));
    socket.on("error", () => undefined);
    socket.on("close", () => {
      clearInterval(timer);
      resolve(text);
    });
  });
  expect(statusOf(answer)).toBe(408);
  await app.send("POST", "/v1/streams/a?close=true", { n: 1 });
  expect(await reading).toMatchObject({ connections: 1, events: [{ n: 1 }] });
});

test("many whose time is over together are cut one after the other, so that the others are served in between", async () => {
  await using app = await startApp({ connections: { headMs: 300 } });
  const url = await app.server.listen(0);
  const cutAt: number[] = [];
  const slow = await openSlow(url, 200);
  const answers = await Promise.all(
    slow.map(async (socket) => {
      const [answer] = (await once(socket, "data")) as [Buffer];
      cutAt.push(performance.now());
      return statusOf(answer.toString());
    }),
  );
  expect(new Set(answers)).toEqual(new Set([408]));
  // 10 of them each 5 ms, at the fastest.
  expect(Math.max(...cutAt) - Math.min(...cutAt)).toBeGreaterThan(60);
});

test("each head on a connection has its time, which ends when it is whole; an answer may take longer", async () => {
  await using app = await startApp({ connections: { headMs: 300 } });
  const url = await app.server.listen(0);
  const socket = open(url);
  let text = "";
  socket.on("data", (piece) => (text += piece.toString()));
  const ask = (path: string) => socket.write(`GET ${path} HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`);
  // Two at once: the answer to the first ends while that to the second goes on.
  ask("/healthz");
  ask("/v1/streams/a?live=1");
  await expect.poll(() => app.server.readers).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(app.server.readers).toBe(1);
  await app.send("POST", "/v1/streams/a?close=true", { n: 1 });
  // The answer ends, and the connection stays.
  await expect.poll(() => text).toContain("\r\n0\r\n");
  text = "";
  const slow = `GET / HTTP/1.1\r\nX-Slow: ${"a".repeat(10_000)}`;
  let at = 0;
  const timer = setInterval(() => socket.write(slow[at++] ?? ""), 10);
  socket.on("error", () => undefined);
  await once(socket, "close");
  clearInterval(timer);
  expect(statusOf(text)).toBe(408);
});

test("where nearly all connections are taken, a slow head gives way to who comes, and nobody who has asked does", async () => {
  await using app = await startApp({ connections: { max: 20 } });
  const url = await app.server.listen(0);
  const reading = readStream({ url: `${url}/v1/streams/a`, kind: "log" });
  await expect.poll(() => app.server.readers).toBe(1);
  const slow = await openSlow(url, 19);
  const gone = slow.map((socket) => once(socket.resume(), "close"));
  const health = `GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`;
  await expect.poll(async () => statusOf(await sendRaw(url, health))).toBe(200);
  await Promise.race(gone);
  // As many as there is room for stay.
  expect(slow.filter(({ destroyed }) => !destroyed).length).toBeGreaterThan(10);
  await app.send("POST", "/v1/streams/a?close=true", { n: 1 });
  expect(await reading).toMatchObject({ connections: 1, events: [{ n: 1 }] });
  for (const socket of slow) socket.destroy();
});

test.each(["Content-Length: 100\r\n\r\n{", "Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n"])(
  "a body that never ends is answered with 408 when its time is over (%j)",
  async (body) => {
    await using app = await startApp({ connections: { headMs: 200, bodyMs: 300 } });
    const url = await app.server.listen(0);
    const { host } = new URL(url);
    const head = `POST /v1/streams/a HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\n`;
    expect(statusOf(await sendRaw(url, head + body, 30_000))).toBe(408);
    expect((await app.ask("/v1/streams/a")).status).toBe(404);
  },
);

test("a body has its time also behind another one on the same connection", async () => {
  await using app = await startApp({ connections: { headMs: 200, bodyMs: 300 } });
  const url = await app.server.listen(0);
  const head = `POST /v1/streams/a HTTP/1.1\r\nHost: ${new URL(url).host}\r\nContent-Type: application/json\r\n`;
  const whole = `${head}Content-Length: 7\r\n\r\n{"n":1}`;
  const answers = await sendRaw(url, `${whole}${head}Content-Length: 100\r\n\r\n{`, 30_000);
  expect(answers.match(/HTTP\/1\.1 \d+/g)).toEqual(["HTTP/1.1 201", "HTTP/1.1 408"]);
});

test("the answer to a body may take longer than the body", async () => {
  await using app = await startApp({ connections: { headMs: 200, bodyMs: 300 } });
  const go = answerSlowly(app.told);
  const url = await app.server.listen(0);
  const asked = fetch(`${url}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ model: "told", stream: true, messages: [{ role: "user", content: "Hi" }] }),
  });
  await expect.poll(() => app.told.calls).toHaveLength(1);
  await new Promise((resolve) => setTimeout(resolve, 600));
  go.open();
  expect(await (await asked).text()).toContain("[DONE]");
});

test("beyond the limit of connections who comes is refused, and nobody who is in is thrown out", async () => {
  await using app = await startApp({ connections: { max: 20 } });
  const url = await app.server.listen(0);
  const reading = readStream({ url: `${url}/v1/streams/a`, kind: "log" });
  await expect.poll(() => app.server.readers).toBe(1);
  const slow = await openSlow(url, 19);
  expect(await sendRaw(url, `GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\n\r\n`)).toBe("");
  expect(app.server.readers).toBe(1);
  slow.pop()?.destroy();
  await expect
    .poll(async () =>
      statusOf(
        await sendRaw(
          url,
          `GET /healthz HTTP/1.1\r\nHost: ${new URL(url).host}\r\nConnection: close\r\n\r\n`,
        ),
      ),
    )
    .toBe(200);
  await app.send("POST", "/v1/streams/a?close=true", { n: 1 });
  expect(await reading).toMatchObject({ connections: 1, events: [{ n: 1 }] });
  for (const socket of slow) socket.destroy();
});

test("beyond the limit of readers each is told when to come back, not all at the same time, and nobody is thrown out", async () => {
  await using app = await startApp({ maxReaders: 2 });
  const inside = await Promise.all([1, 2].map(() => app.ask("/v1/streams/a", { headers: EVENTS })));
  expect(app.server.readers).toBe(2);
  const told = await Promise.all(
    Array.from({ length: 20 }, async () => {
      const response = await app.ask("/v1/streams/a", { headers: EVENTS });
      expect(response.status).toBe(200);
      return Number(blocks(await response.text())[0]?.["retry"]);
    }),
  );
  expect(Math.min(...told)).toBeGreaterThanOrEqual(2_000);
  expect(Math.max(...told)).toBeLessThanOrEqual(8_000);
  expect(new Set(told).size).toBeGreaterThan(10);
  expect((await app.ask("/v1/streams/a", { headers: EVENTS, method: "HEAD" })).status).toBe(200);
  expect(app.server.readers).toBe(2);
  for (const { body } of inside) await body?.cancel();
});

test("300 that dawdle over their head and 50 that never read hold nobody up, and take bounded memory", async () => {
  await using app = await startApp();
  const url = await app.server.listen(0);
  await app.send("PUT", "/v1/streams/flood", { kind: "log", retention: { maxEvents: 2_000 } });
  const readers = Array.from({ length: 10 }, () =>
    readStream({ url: `${url}/v1/streams/flood`, kind: "log", keepsEvents: false }),
  );
  await expect.poll(() => app.server.readers).toBe(10);
  const before = process.memoryUsage().rss;
  const slow = await openSlow(url, 300);
  const stalled = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const socket = open(url, () => {
        socket.pause();
        socket.write(
          `GET /v1/streams/flood HTTP/1.1\r\nHost: ${new URL(url).host}\r\nAccept: text/event-stream\r\n\r\n`,
        );
      });
      await once(socket, "connect");
      return socket;
    }),
  );
  await expect.poll(() => app.server.readers).toBe(60);
  const event = { text: "x".repeat(1_000) };
  for (let batch = 0; batch < 100; batch++)
    await app.send(
      "POST",
      "/v1/streams/flood",
      Array.from({ length: 100 }, () => event),
    );
  await app.send("POST", "/v1/streams/flood?close=true", []);
  for (const report of await Promise.all(readers))
    expect(report).toMatchObject({ gaps: 0, doubles: 0, status: "stream-end" });
  // 10 MB of events for each of 50 would be 500 MB.
  expect(process.memoryUsage().rss - before).toBeLessThan(200 * 1_048_576);
  for (const socket of [...slow, ...stalled]) socket.destroy();
});
