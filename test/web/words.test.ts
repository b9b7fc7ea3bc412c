import { expect, test } from "vitest";
import type { ChatView } from "../../src/client/index.ts";
import type { AssistantChatMessage, UserChatMessage } from "../../src/protocol/index.ts";
import { StreamError } from "../../src/protocol/index.ts";
import { readRoute } from "../../web/route.ts";
import { describeEnd, describeFigures, formatCount, statusOf } from "../../web/words.ts";

const question: UserChatMessage = { role: "user", id: "u", text: "Hi", author: "local", at: 1 };
const answer: AssistantChatMessage = {
  role: "assistant",
  id: "a",
  parent: "u",
  run: "a",
  model: "m",
  at: 2,
  text: "Hello there, you",
};

function chatOf(message: AssistantChatMessage | undefined, more: Partial<ChatView> = {}): ChatView {
  const path = [question, ...(message === undefined ? [] : [message])];
  return {
    chat: "c",
    status: "ready",
    path: path.map((one) => ({ message: one, siblings: [one.id] })),
    isAnswering: message !== undefined && message.end === undefined,
    isStopping: false,
    ...more,
  };
}

const done = { ...answer, end: { reason: "stop" as const } };
const open = { since: 1, attempt: 0 };

test.each([
  ["while an answer is written", { chat: chatOf(answer) }, "Answering. Esc stops."],
  [
    "before its first token",
    { chat: chatOf({ ...answer, text: "" }) },
    "Waiting for the first token. Esc stops.",
  ],
  [
    "before it is begun",
    { chat: chatOf(undefined, { isAnswering: true }) },
    "Waiting for the first token. Esc stops.",
  ],
  ["when it is complete", { chat: chatOf(done) }, "Answer complete, 3 words."],
  ["while it is stopped", { chat: chatOf(answer, { isStopping: true }) }, "Stopping."],
  [
    "after a cut",
    { chat: chatOf(answer), isCut: true },
    "Reconnecting. What you send waits, and is sent once.",
  ],
  [
    "after a cut in an answer",
    { chat: chatOf(answer, { run: { run: "a", message: "a" } }), isCut: true },
    "Reconnecting. The answer keeps being written.",
  ],
  [
    "while a chat cannot be read yet",
    { chat: chatOf(undefined, { status: "loading" }), isCut: true },
    "Reconnecting. The chat appears as soon as the server is back.",
  ],
  [
    "before a first message, cut off",
    { isCut: true },
    "Reconnecting. What you send waits, and is sent once.",
  ],
  [
    "when a chat could not be brought back",
    { chat: chatOf(done, { status: "deleted", error: new StreamError("chat-unknown", "Gone.") }) },
    "Gone.",
  ],
  ["of a chat that was deleted", { chat: chatOf(done, { status: "deleted" }) }, ""],
  ["when it is back", { chat: chatOf(done), late: 1_204 }, "Back: 1,204 tokens caught up."],
  [
    "when a command failed",
    { chat: chatOf(done, { error: new StreamError("chat-full", "Full.") }) },
    "Full.",
  ],
  [
    "when the connection was refused",
    {
      chat: chatOf(done),
      connection: { ...open, status: "refused", error: { status: 401, message: "Sign in." } },
    },
    "Sign in.",
  ],
  ["with nothing to say", { connection: { ...open, status: "open" } }, ""],
] as const)("says one sentence %s", (_when, facts, text) => {
  expect(statusOf(facts).text).toBe(text);
});

test("says why an answer ended where that is not plain, and what is left of it", () => {
  expect(describeEnd(done)).toBeUndefined();
  expect(describeEnd({ ...answer, end: { reason: "cancelled" } })?.text).toBe(
    "Stopped. The text so far is kept.",
  );
  expect(describeEnd({ ...answer, text: "", end: { reason: "cancelled" } })?.text).toBe(
    "Stopped before the first token.",
  );
  expect(describeEnd({ ...answer, end: { reason: "interrupted" } })?.tone).toBe("wait");
  const error = new StreamError("provider-busy", "Busy.").toJSON();
  expect(describeEnd({ ...answer, end: { reason: "error", error } })).toEqual({ text: "Busy.", tone: "bad" });
});

test("shows the figures that were measured, and no others", () => {
  expect(describeFigures(done)).toBe("m");
  const timing = { totalMs: 5_000, firstTokenMs: 1_240, tokensPerSecond: 41.6 };
  const measured = { ...answer, end: { reason: "stop" as const, timing, usage: { outputTokens: 1 } } };
  expect(describeFigures(measured)).toBe(
    "m · 1\u00a0token · 42/s · first\u00a0after\u00a01.2\u00a0s · 5.0\u00a0s\u00a0in\u00a0all",
  );
});

test.each([
  ["http://h/", {}],
  ["http://h/c/abc123", { chat: "abc123" }],
  ["http://h/c/ABC", {}],
  ["http://h/?prompt=a%20b", { prompt: "a b" }],
])("the address %s means %j", (href, route) => {
  expect(readRoute(href)).toEqual(route);
});

test("a number is written as people read it", () => {
  const numbers = [0, 7, 999, 1_000, 12_345, 200_000, 1_234_567];
  expect(numbers.map(formatCount)).toEqual(numbers.map((number) => number.toLocaleString("en-US")));
});
