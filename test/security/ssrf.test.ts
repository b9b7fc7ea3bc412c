import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { EVENTS, startApp } from "../support/app.ts";

test("no member of any request makes the server ask an address", async () => {
  let asked = 0;
  const target = createServer((_, response) => {
    asked += 1;
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => target.once("listening", resolve));
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}/v1`;
  await using app = await startApp();
  const members = [
    "model",
    "url",
    "baseUrl",
    "base_url",
    "provider",
    "origin",
    "jwks",
    "jwksUrl",
    "redirect",
    "callback",
    "webhook",
    "image_url",
    "tools",
    "key",
  ];
  for (const path of [
    "/v1/runs",
    "/v1/chats",
    "/v1/chat/completions",
    "/v1/streams/a",
    "/v1/signals/a",
    "/v1/presence/a",
  ]) {
    for (const member of members) {
      const body = { prompt: "x", messages: [{ role: "user", content: "x" }], kind: "x", [member]: url };
      await (
        await app.send("POST", path, body, {
          referer: url,
          "x-forwarded-host": url,
          authorization: `Bearer ${url}`,
        })
      ).text();
    }
  }
  const picture = [{ type: "image_url", image_url: { url } }];
  await app.send("POST", "/v1/chat/completions", { messages: [{ role: "user", content: picture }] });
  for (const member of members)
    await (
      await app.ask(`/stream?prompt=x&${member}=${encodeURIComponent(url)}`, { headers: EVENTS })
    ).body?.cancel();
  expect((await app.send("POST", "/v1/runs", { prompt: `Fetch ${url}`, model: "told" })).status).toBe(202);
  await new Promise((resolve) => target.close(resolve));
  expect(asked).toBe(0);
});
