import { setTimeout as wait } from "node:timers/promises";
import { expect, test } from "vitest";
import { nodesOverRedis, post, readRun, startRun } from "../support/nodes.ts";

const { startNode } = nodesOverRedis();

/** A machine that stands still for a moment is asked again: what is slow is so three times. */
const AT_REST = { retry: 2 };

test("a stop on another node ends a run within 300 ms, for its readers on both", AT_REST, async () => {
  const [one, two] = await Promise.all([startNode(), startNode()]);
  const { run, stream } = await startRun(one, "tokens=1000 rate=20 seed=1");
  let events = 0;
  const reports = [readRun(one, stream, () => events++), readRun(two, stream)];
  await expect.poll(() => events).toBeGreaterThan(3);
  const begun = performance.now();
  expect(await post(two, `/v1/runs/${run}/stop`)).toMatchObject({ reason: "cancelled" });
  for (const report of await Promise.all(reports)) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, end: { reason: "cancelled" } });
  }
  expect(performance.now() - begun).toBeLessThan(300);
});

test("a run whose node is killed ends as interrupted on the others within 5 s, whole up to there", async () => {
  const [one, two] = await Promise.all([startNode(), startNode()]);
  // Each has been there for longer than it is judged.
  await wait(4_500);
  const runs = await Promise.all(
    Array.from({ length: 20 }, (_, seed) => startRun(one, `tokens=5000 rate=100 seed=${seed}`)),
  );
  const { chat } = await post<{ chat: string }>(two, "/v1/chats");
  await post(one, `/v1/chats/${chat}/messages`, { text: "tokens=5000 rate=100 seed=1", model: "script" });
  let events = 0;
  const reading = runs.map(({ stream }) => readRun(two, stream, () => events++));
  await expect.poll(() => events).toBeGreaterThan(500);
  one.kill("SIGKILL");
  const killedAt = performance.now();
  for (const report of await Promise.all(reading)) {
    expect(report).toMatchObject({ gaps: 0, doubles: 0, resets: 0, connections: 1 });
    expect(report.end).toMatchObject({ reason: "interrupted" });
    expect(report.text.length).toBeGreaterThan(0);
  }
  expect(performance.now() - killedAt).toBeLessThan(5_000);
  await expect
    .poll(async () => (await (await fetch(`${two.url}/v1/chats/${chat}`)).json()) as object)
    .toMatchObject({ messages: [{}, { end: { reason: "interrupted" } }] });
});
