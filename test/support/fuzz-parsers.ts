import { createParser } from "eventsource-parser";
import { createOpenAIProvider } from "../../src/chat/openai.ts";
import { readConfig } from "../../src/cli/config.ts";
import { CliError } from "../../src/cli/exit.ts";
import { unknownId } from "../../src/cli/doctor/examine.ts";
import type { Arrived } from "../../src/client/feed.ts";
import { EMPTY_FEED, EMPTY_STREAM_STATE, foldFeed, foldStreamState } from "../../src/client/feed.ts";
import { RedisLogError, parseRedisUrl } from "../../src/log/redis-url.ts";
import { EMPTY_CHAT, foldChat } from "../../src/protocol/chat.ts";
import { joinCursors, parseCursor, requireCursor, splitCursors } from "../../src/protocol/cursor.ts";
import { StreamError } from "../../src/protocol/error.ts";
import type { ChatEvent } from "../../src/protocol/event.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { encodeSse } from "../../src/protocol/sse-encode.ts";
import { breakText, makeName, makeValue, makeWord } from "./fuzz.ts";
import type { Random } from "./seeded.ts";

/** A parser, fed once with what chance says. What it throws must be a refusal. */
type Fuzz = (random: Random) => unknown;

export const PARSERS: Record<string, Fuzz> = {
  "a stream's name": (random) => parseStreamName(breakText(random, "tickets/42")),
  "a cursor": (random) => {
    const text = breakText(random, "22oh9havj1.1234");
    parseCursor(text);
    return requireCursor(text);
  },
  "a set of cursors": (random) => {
    const set = breakText(random, "22oh9havj1.5~aaaaaaaa.0~z0k5nhzu8t.9007199254740991");
    const parts = splitCursors(set);
    if (set.length <= 1_024 && joinCursors(parts) !== set) throw new Error("a set did not come back");
  },
  "an event stream": (random) => {
    const data = makeWord(random);
    const text = encodeSse({ data, id: "a.1", event: "x" });
    const got: string[] = [];
    createParser({ onEvent: (event) => got.push(event.data) }).feed(text);
    if (got.length !== 1 || got[0] !== data.replace(/\r\n|\r/g, "\n"))
      throw new Error(`${got.length} events came of one`);
  },
  "a chat": (random) => {
    let state = EMPTY_CHAT;
    for (let offset = 1; offset < 12; offset++) {
      const event = makeEvent(random, CHAT_EVENTS);
      state = foldChat(state, [{ offset, event }]);
      const again = foldChat(state, [{ offset, event }]);
      if (again !== state) throw new Error("an event that was there changed a chat");
    }
  },
  "a feed": (random) => {
    const arrived = Array.from({ length: 5 }, (_, n) => ({
      cursor: `aaaaaaaa.${n + 1}`,
      event: makeEvent(random, ["x"]) as unknown as Arrived["event"],
      isReplay: false,
    }));
    foldFeed(EMPTY_FEED, arrived, 3);
    foldStreamState(EMPTY_STREAM_STATE, arrived, 3);
    if (({} as { polluted?: unknown }).polluted !== undefined)
      throw new Error("the prototype of all objects was changed");
  },
  "a provider's answer": async (random) => {
    const lines = [
      'data: {"choices":[{"delta":{"content":"Hello"}}]}\n\n',
      `data: ${JSON.stringify(makeValue(random)) ?? ""}\n\n`,
      `data: {"choices":[{"delta":{"${makeName(random)}":${JSON.stringify(makeValue(random)) ?? "1"}}}]}\n\n`,
      "data: [DONE]\n\n",
    ];
    const bytes = new TextEncoder().encode(breakText(random, lines.join("")));
    const provider = createOpenAIProvider({
      name: "fuzz",
      baseUrl: "http://127.0.0.1/v1",
      fetch: () => Promise.resolve(new Response(bytes, { headers: { "content-type": "text/event-stream" } })),
    });
    const request = { model: "m", messages: [{ role: "user" as const, text: "x" }] };
    for await (const event of provider.generate(request, AbortSignal.timeout(5_000))) void event;
  },
  "the configuration": (random) =>
    readConfig({
      flags: {},
      env: {
        [`MILLRACE_${makeName(random).toUpperCase()}`]: makeWord(random),
        MILLRACE_PORT: breakText(random, "4000"),
      },
      file: { path: "f", text: breakText(random, '{"port": 4000, "dev": true, "allowedHost": ["a"]}') },
    }),
  "the address of a Redis": (random) =>
    parseRedisUrl(breakText(random, "redis://user:secret@127.0.0.1:6379,127.0.0.1:6380/0?prefix=chat")),
  "an id that the doctor makes up": (random) => {
    const id = makeWord(random);
    if (id !== "" && unknownId(id) === id) throw new Error("it is the same");
  },
};

const CHAT_EVENTS =
  "user-message message-start message-end message-continue text-delta reasoning-delta chat-update step-start tool-input-start tool-input-delta tool-input-end tool-output-end tool-approval-request data source-url file".split(
    " ",
  );

/** Of a type that is known, with the names of few messages, and members of their right shape or of any. */
function makeEvent(random: Random, types: readonly string[]): ChatEvent {
  const known = {
    type: types[random.int(0, types.length - 1)],
    message: `m${random.int(0, 2)}`,
    parent: random.next() < 0.5 ? `m${random.int(0, 3)}` : undefined,
    run: `r${random.int(0, 2)}`,
    call: `c${random.int(0, 2)}`,
    name: "tool",
    text: makeWord(random),
    at: random.int(0, 100),
    author: "local",
    reason: "stop",
    model: "m",
    input: makeValue(random),
    output: makeValue(random),
    key: makeWord(random),
  };
  return (random.next() < 0.7
    ? known
    : { ...known, [makeWord(random)]: makeValue(random) }) as unknown as ChatEvent;
}

/** Whether what was thrown is what a caller is told. */
export function isRefusal(error: unknown): boolean {
  return error instanceof StreamError || error instanceof CliError || error instanceof RedisLogError;
}
