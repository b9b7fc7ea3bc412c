import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { EVENTS, readUntil, startApp } from "../support/app.ts";

const guide = readFileSync(new URL("../../docs/guide/typing-and-presence.md", import.meta.url), "utf8");

test("each request of the guide on typing and presence is taken, and told to who listens", async () => {
  await using app = await startApp();
  const listening = await app.ask("/v1/streams?listen=tickets/42&listen=desk", { headers: EVENTS });
  const heard = readUntil(listening, '"count":1');
  const posts = [...guide.matchAll(/curl -X POST http:\/\/127\.0\.0\.1:4000(\S+) .*?-d '(.*?)'/gs)];
  for (const [, path = "", body = ""] of posts) {
    const response = await app.send("POST", path, body);
    expect(response.ok, `${path}: ${response.status}`).toBe(true);
  }
  expect(posts).toHaveLength(2);
  const [, path = ""] = /^curl http:\/\/127\.0\.0\.1:4000(\S+)$/m.exec(guide) ?? [];
  const shown = JSON.parse(/```json\n(.*?)```/s.exec(guide)?.[1] ?? "") as object;
  const got = (await (await app.ask(path)).json()) as object;
  expect(Object.keys(got)).toEqual(Object.keys(shown));
  expect(await heard).toContain('"kind":"typing"');
});
