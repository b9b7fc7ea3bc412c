import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, expect, test, vi } from "vitest";
import { nodeFetch } from "../src/server-fetch.ts";

// What holds for a provider over `fetch` holds over Node's client: the same tests, with that in its place.
vi.stubGlobal("fetch", nodeFetch);
afterAll(() => {
  vi.unstubAllGlobals();
});
await import("./chat/openai.test.ts");

test("a request on a connection that the server has closed meanwhile is sent again", async () => {
  let requests = 0;
  const server = createServer((request, response) => {
    requests += 1;
    request.resume();
    // Closed without a word before the second request on it is read.
    if (requests === 2) request.socket.destroy();
    else response.end("ok");
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  const ask = async () => {
    const { signal } = new AbortController();
    const response = await nodeFetch(url, {
      method: "POST",
      headers: {},
      body: "{}",
      redirect: "manual",
      signal,
    });
    const reader = response.body?.getReader();
    for (let isDone = false; !isDone;) isDone = (await reader?.read())?.done ?? true;
    return response.status;
  };
  expect(await ask()).toBe(200);
  await new Promise((resolve) => setImmediate(resolve));
  expect(await ask()).toBe(200);
  expect(requests).toBe(3);
  server.close();
  server.closeAllConnections();
});
