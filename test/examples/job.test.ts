import "../support/dom.ts";
import { expect, test } from "vitest";
import { runJob, showJob } from "../../examples/job.ts";
import type { Step } from "../../examples/job.ts";
import { gate, startApp } from "../support/app.ts";
import { connectTo } from "../support/client.ts";

const lines = (shown: HTMLElement) => shown.querySelector("pre")?.textContent?.trimEnd().split("\n") ?? [];

test("a job is followed while it runs, through a cut, and read from its first line by who comes late", async () => {
  await using app = await startApp();
  const [worker, reader, late] = [connectTo(app), connectTo(app), connectTo(app)];
  const { opened, open } = gate();
  async function* steps(): AsyncGenerator<Step> {
    for (let n = 1; n <= 10; n++) {
      if (n === 6) await opened;
      yield { line: `step ${n}`, done: n / 10 };
    }
  }
  const root = document.createElement("section");
  const stop = showJob(root, "build-42", reader.client);
  const running = runJob(worker.client, "build-42", steps());
  await expect.poll(() => lines(root).at(-1)).toBe("step 4");
  reader.cut();
  open();
  await running;
  const all = Array.from({ length: 10 }, (_, at) => `step ${at + 1}`);
  await expect.poll(() => root.dataset["state"]).toBe("ended");
  expect(lines(root)).toEqual(all);
  expect(root.querySelector("progress")?.value).toBe(1);

  const second = document.createElement("section");
  const stopSecond = showJob(second, "build-42", late.client);
  await expect.poll(() => second.dataset["state"]).toBe("ended");
  expect(lines(second)).toEqual(all);
  stop();
  stopSecond();
  for (const { client } of [worker, reader, late]) client.close();
});
