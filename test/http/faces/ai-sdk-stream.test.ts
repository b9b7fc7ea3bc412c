import { afterEach, beforeEach, expect, test } from "vitest";
import { readAnswer } from "../../../src/http/faces/ai-sdk-stream.ts";
import type { SaidEvent } from "../../../src/http/faces/ai-sdk-stream.ts";
import type { Log, SavedStream } from "../../../src/log/log.ts";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { parseStreamName } from "../../../src/protocol/names.ts";

const STREAM = parseStreamName("chats/one");
const START = { type: "message-start", message: "m", run: "r", model: "told", at: 1 };
const DELTA = { type: "text-delta", message: "m", text: "Hello" };
const TITLE = { type: "chat-update", title: "A greeting", at: 2 };

let log: Log;
let events: AsyncGenerator<SaidEvent, void, undefined>;
beforeEach(() => {
  log = createMemoryLog();
});
afterEach(async () => {
  await log.close();
});

async function append(...entries: object[]): Promise<void> {
  const data = entries.map((entry) => ({ data: JSON.stringify(entry) }));
  await log.append(STREAM, data, { create: { kind: "chat" } });
}

function read(): void {
  events = readAnswer(log, STREAM, { message: "m", run: "r", from: 0 }, new AbortController().signal);
}

async function next(): Promise<SaidEvent | undefined> {
  return (await events.next()).value ?? undefined;
}

test("who waits is not behind for what says nothing there, such as a title", async () => {
  await append(START, DELTA, TITLE);
  read();
  expect(await next()).toMatchObject({ lag: 2 });
  expect(await next()).toMatchObject({ lag: 1, parts: [{ type: "text-start" }, { type: "text-delta" }] });
  const { head = 0, epochs = [] } = (await log.info(STREAM)) ?? {};
  expect(await next()).toEqual({ cursor: `${epochs[0]?.epoch}.${head}`, parts: [], lag: 0 });
  const more = next();
  await append(DELTA);
  expect(await more).toMatchObject({ lag: 0, parts: [{ type: "text-delta", delta: "Hello" }] });
});

/** What another backup holds of the stream, under offsets that the reader knows. */
const OTHER: SavedStream = {
  kind: "chat",
  retention: {},
  epochs: [{ epoch: "other00000", from: 1 }],
  floor: 1,
  head: 4,
  isClosed: false,
  ends: { events: [], close: false },
  entries: [START, DELTA, DELTA, DELTA].map((event, index) => ({
    offset: index + 1,
    at: 1,
    data: JSON.stringify(event),
  })),
};

test("an answer whose stream is replaced amid it ends with an error, and not with what is another one's", async () => {
  await append(START, DELTA);
  read();
  await next();
  await next();
  const more = next();
  await log.delete(STREAM);
  await log.backup?.restore(STREAM, OTHER);
  expect(await more).toMatchObject({ parts: [{ type: "error" }] });
  expect(await next()).toBeUndefined();
});
