import { expect, test } from "vitest";
import type { Format } from "../../src/hub/format.ts";
import { createHub } from "../../src/hub/hub.ts";
import { createMemoryLog } from "../../src/log/memory.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { FakeSink } from "../support/fake-sink.ts";

const STREAM = parseStreamName("tests/pages");
/** More than lie between the question to the log and all that follows from its answer. */
const MOMENTS = 40;

const format: Format = {
  name: "test",
  entry: (cursor, { data }) => `${cursor} ${data}\n`,
  start: ({ status }) => `start ${status}\n`,
  caughtUp: () => "caught-up\n",
  reset: (reason) => `reset ${reason}\n`,
  end: ({ reason }) => `end ${reason}\n`,
  ping: (cursor) => `ping ${cursor}\n`,
};

test("who comes while another one's page is read gets it too, at whatever moment", async () => {
  const log = createMemoryLog();
  await log.append(STREAM, [{ data: '{"n":1}' }, { data: '{"n":2}' }], { create: { kind: "log" } });
  const late: number[] = [];
  for (let moment = 0; moment < MOMENTS; moment++) {
    const hub = createHub(log);
    const [first, second] = [new FakeSink(), new FakeSink()];
    const from = { at: "start" } as const;
    const reading = hub.subscribe({ stream: STREAM, format, sink: first, from });
    for (let turn = 0; turn < moment; turn++) await Promise.resolve();
    await hub.subscribe({ stream: STREAM, format, sink: second, from });
    await reading;
    await expect.poll(() => first.numbers).toEqual([1, 2]);
    // What is on its way needs a few turns of the loop; nothing is waited for that does not come.
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    if (!second.text.includes("caught-up")) late.push(moment);
    hub.close();
  }
  await log.close();
  expect(late).toEqual([]);
});
