import { expect, test } from "vitest";
import { answerSlowly, startApp } from "../support/app.ts";

test("the inspector sees a reader with its cursor, cuts it, and knows afterwards why it went", async () => {
  await using app = await startApp();
  const { cursor } = (await (await app.send("POST", "/v1/streams/news", { n: 1 })).json()) as {
    cursor: string;
  };
  const reader = (
    await app.ask("/v1/streams/news?live=1", { headers: { "x-request-id": "reader-0001" } })
  ).body?.getReader();
  const look = async (find = "") =>
    (await (await app.ask(`/v1/inspect?find=${find}`)).json()) as {
      readers: { id: number }[];
      gone: object[];
    };
  const seen = async () => (await look()).readers;
  await expect.poll(seen).toMatchObject([
    {
      request: "reader-0001",
      transport: "web",
      began: "new",
      streams: [{ stream: "news", cursor, lag: 0 }],
    },
  ]);
  const [{ id } = { id: 0 }] = await seen();
  expect((await look("nowhere")).readers).toEqual([]);
  const cut = (id: number | string) => app.send("POST", `/v1/inspect/readers/${id}/cut`, {});
  expect((await cut(id)).status).toBe(204);
  expect((await cut(id)).status).toBe(404);
  expect((await cut("x")).status).toBe(404);
  expect(await look("reader-0001")).toMatchObject({
    readers: [],
    gone: [{ why: "cut", streams: [{ stream: "news" }] }],
  });
  await reader?.cancel().catch(() => {});
});

test("the inspector sees a run with its end", async () => {
  await using app = await startApp();
  const { run } = (await (await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" })).json()) as {
    run: string;
  };
  await expect
    .poll(async () => (await app.ask(`/v1/inspect?find=${run}`)).json())
    .toMatchObject({ runs: [{ run, reason: "stop", deltas: 2 }] });
});

test("the inspector sees a run that is open as far as it has come", async () => {
  await using app = await startApp();
  const go = answerSlowly(app.told);
  const { run } = (await (await app.send("POST", "/v1/runs", { prompt: "Hi", model: "told" })).json()) as {
    run: string;
  };
  const look = async () =>
    ((await (await app.ask(`/v1/inspect?find=${run}`)).json()) as { runs: Record<string, unknown>[] }).runs;
  await expect.poll(look).toMatchObject([{ run, deltas: 1, firstAt: expect.any(Number) }]);
  expect((await look())[0]).not.toHaveProperty("endedAt");
  go.open();
  await expect.poll(look).toMatchObject([{ run, deltas: 2, reason: "stop" }]);
});
