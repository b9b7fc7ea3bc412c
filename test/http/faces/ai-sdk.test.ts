import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createMemoryLog } from "../../../src/log/memory.ts";
import { StreamError } from "../../../src/protocol/error.ts";
import type { ServerOptions } from "../../../src/server.ts";
import { EVENTS, gate, readUntil, startApp } from "../../support/app.ts";
import type { TestServer } from "../../support/app.ts";

let app: TestServer;
beforeEach(async () => {
  app = await startApp({ model: "told" });
});
afterEach(() => app[Symbol.asyncDispose]());

interface Part {
  type: string;
  [member: string]: unknown;
}

const user = (text: string, id = "Client-Message_1") => ({
  id,
  role: "user",
  parts: [{ type: "text", text }],
});

function post(messages: object[], more: object = {}): Promise<Response> {
  return app.send("POST", "/api/chat", { id: "Chat-1", messages, trigger: "submit-message", ...more });
}

/** The parts of a whole body, which ends as the AI SDK wants it to. */
async function partsOf(response: Response): Promise<Part[]> {
  const { parts, isDone } = read(await response.text());
  expect(isDone).toBe(true);
  return parts;
}

function read(body: string): { parts: Part[]; ids: (string | undefined)[]; isDone: boolean } {
  const blocks = body.split("\n\n").filter((block) => block !== "" && !block.startsWith(":"));
  const data = blocks.map((block) => /^data: (.*)$/m.exec(block)?.[1] ?? "");
  return {
    parts: data.filter((text) => text !== "[DONE]").map((text) => JSON.parse(text) as Part),
    ids: blocks.map((block) => /^id: (.*)$/m.exec(block)?.[1]),
    isDone: data.at(-1) === "[DONE]",
  };
}

/** What is read from the log comes in fewer pieces than what was heard. */
function inOnePiece(parts: Part[]): Part[] {
  return [{ type: "text-delta", delta: textOf(parts) }, ...parts.filter(({ type }) => type !== "text-delta")];
}

function textOf(parts: Part[]): string {
  return parts.flatMap((part) => (part.type === "text-delta" ? [part["delta"] as string] : [])).join("");
}

test("an answer comes in the AI SDK's parts and headers, with a beginning and an end for each part", async () => {
  app.told.answer = async function* () {
    yield { type: "reasoning", text: "Hm." };
    yield { type: "text", text: "Hello" };
    yield { type: "text", text: " there" };
    yield { type: "finish", reason: "stop" };
  };
  const response = await post([user("hi")]);
  expect(response.status).toBe(200);
  expect(response.headers.get("content-type")).toBe("text/event-stream; charset=utf-8");
  expect(response.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
  const parts = await partsOf(response);
  expect(parts.map(({ type }) => type).filter((type) => !type.endsWith("-delta"))).toEqual([
    "start",
    "start-step",
    "reasoning-start",
    "reasoning-end",
    "text-start",
    "text-end",
    "finish-step",
    "finish",
  ]);
  expect(textOf(parts)).toBe("Hello there");
  expect(parts[0]).toEqual({ type: "start", messageId: expect.stringMatching(/^[a-z0-9]{16}$/) });
  expect(parts.at(-1)).toEqual({ type: "finish", finishReason: "stop" });
  expect(app.told.calls[0]?.messages).toEqual([{ role: "user", text: "hi" }]);
});

/** Starts an answer that has said one word, and leaves it. */
async function leave(): Promise<{ id: string | undefined; open: () => void }> {
  const { opened, open } = gate();
  app.told.answer = async function* () {
    yield { type: "text", text: "One" };
    await opened;
    yield { type: "text", text: " two" };
    yield { type: "finish", reason: "stop" };
  };
  const response = await post([user("hi")]);
  const reader = response.body?.getReader();
  let body = "";
  while (!body.includes('"One"')) body += new TextDecoder().decode((await reader?.read())?.value);
  await reader?.cancel();
  return { id: read(body).ids.at(-1), open };
}

describe("an answer that is left", () => {
  test("goes on, and comes again from its beginning, live to its end", async () => {
    const { open } = await leave();
    const again = await app.ask("/api/chat/Chat-1/stream");
    expect(again.headers.get("x-vercel-ai-ui-message-stream")).toBe("v1");
    open();
    const parts = await partsOf(again);
    expect(parts[0]?.type).toBe("start");
    expect(textOf(parts)).toBe("One two");
    expect(app.told.calls).toHaveLength(1);
    expect((await app.ask("/api/chat/Chat-1/stream")).status).toBe(204);
  });

  test("comes from where it was left to who brings the id, also when it has ended; then 204", async () => {
    const { id = "", open } = await leave();
    open();
    const headers = { "last-event-id": id };
    const parts = await partsOf(await app.ask("/api/chat/Chat-1/stream", { headers }));
    expect(textOf(parts)).toBe(" two");
    expect(parts.map(({ type }) => type)).not.toContain("text-start");
    const whole = read(await (await app.ask("/api/chat/Chat-1/stream", { headers })).text());
    const last = whole.ids.findLast((one) => one !== undefined) ?? "";
    const rest = await app.ask("/api/chat/Chat-1/stream", { headers: { "last-event-id": last } });
    expect(rest.status).toBe(204);
    const foreign = await app.ask("/api/chat/Chat-1/stream", { headers: { "last-event-id": "aaaaaaaa.1" } });
    expect(foreign.status).toBe(400);
  });

  test("is stopped by a stop, which every reader is told", async () => {
    const { open } = await leave();
    const again = await app.ask("/api/chat/Chat-1/stream");
    const stopped = await app.send("POST", "/api/chat/Chat-1/stop", {});
    expect(await stopped.json()).toEqual({ reason: "cancelled" });
    expect((await partsOf(again)).at(-1)).toEqual({ type: "abort" });
    expect(app.told.aborts).toBe(1);
    open();
  });
});

test("a failed answer says so, and is not taken for a whole one", async () => {
  app.told.answer = async function* () {
    yield { type: "text", text: "Half" };
    throw new Error("the model has gone");
  };
  const parts = await partsOf(await post([user("hi")]));
  expect(parts.at(-1)).toEqual({ type: "error", errorText: expect.any(String) });
  expect(parts.map(({ type }) => type)).not.toContain("finish");
});

test("a conversation goes on, is edited and answered anew by the client's own names for its messages", async () => {
  const first = await partsOf(await post([user("one", "U1")]));
  const answer = {
    id: first[0]?.["messageId"],
    role: "assistant",
    parts: [{ type: "text", text: "Hello there" }],
  };
  await partsOf(await post([user("one", "U1"), answer, user("two", "U2")]));
  expect(app.told.calls.at(-1)?.messages.map(({ text }) => text)).toEqual(["one", "Hello there", "two"]);

  const anew = await partsOf(
    await post([user("one", "U1")], { trigger: "regenerate-message", messageId: answer.id }),
  );
  expect(anew[0]?.["messageId"]).not.toBe(answer.id);
  expect(app.told.calls.at(-1)?.messages.map(({ text }) => text)).toEqual(["one"]);

  await partsOf(await post([user("uno", "U1")], { messageId: "U1" }));
  expect(app.told.calls.at(-1)?.messages.map(({ text }) => text)).toEqual(["uno"]);
  const chat = (await (await app.ask("/api/chat/Chat-1")).json()) as { messages: { parts: Part[] }[] };
  expect(chat.messages.map(({ parts }) => parts[0]?.["text"])).toEqual(["uno", "Hello there"]);
});

test("the same message sent again is the same answer", async () => {
  const first = await partsOf(await post([user("hi")]));
  expect(inOnePiece(await partsOf(await post([user("hi")])))).toEqual(inOnePiece(first));
  expect(app.told.calls).toHaveLength(1);
});

test("a conversation that only the client knows is what the model is told", async () => {
  const said = { id: "A0", role: "assistant", parts: [{ type: "text", text: "I am a bot." }] };
  const system = { id: "S", role: "system", parts: [{ type: "text", text: "Be short." }] };
  await partsOf(await post([system, user("who are you", "U0"), said, user("and now?", "U1")]));
  expect(app.told.calls[0]?.messages).toEqual([
    { role: "system", text: "Be short." },
    { role: "user", text: "who are you" },
    { role: "assistant", text: "I am a bot." },
    { role: "user", text: "and now?" },
  ]);
});

test("parts of types that are not known say nothing to the model", async () => {
  const message = user("hi");
  await partsOf(await post([{ ...message, parts: [{ type: "data-place", data: 1 }, ...message.parts] }]));
  expect(app.told.calls[0]?.messages).toEqual([{ role: "user", text: "hi" }]);
});

test.each([
  ["no message", []],
  ["an answer last", [user("hi"), { id: "a", role: "assistant", parts: [] }]],
  [
    "a file",
    [
      {
        role: "user",
        parts: [
          { type: "text", text: "see" },
          { type: "file", url: "data:," },
        ],
      },
    ],
  ],
  ["nothing said", [user("  ")]],
  ["no parts", [{ role: "user", content: "hi" }]],
])("%s is refused with a sentence", async (_what, messages) => {
  const response = await post(messages);
  expect(response.status).toBe(400);
  expect(await response.json()).toMatchObject({ error: { code: "invalid-request" } });
  expect(app.told.calls).toHaveLength(0);
});

test("a chat may be called anything", async () => {
  const id = "a/b %2F?#ü";
  await partsOf(await app.send("POST", "/api/chat", { id, messages: [user("hi")] }));
  expect((await app.ask(`/api/chat/${encodeURIComponent(id)}/stream`)).status).toBe(204);
  const read = await app.ask(`/api/chat/${encodeURIComponent(id)}`);
  expect(await read.json()).toMatchObject({ messages: [{ role: "user" }, { role: "assistant" }] });
  // A client that resumes a chat which it has just made up takes all but 204 for a failure; of ours it can make up none.
  expect((await app.ask("/api/chat/nobody-has-it/stream")).status).toBe(204);
  expect((await app.ask("/api/chat/nobodyhasthisone/stream")).status).toBe(404);
});

const refuse = () => Promise.reject(new StreamError("log-unavailable", "The log is away."));

test("a log that is away is not taken for a chat that is new", async () => {
  const memory = createMemoryLog();
  await using away = await startApp({
    log: {
      ...memory,
      read: (...call) => (call[0].startsWith("chats/") ? refuse() : memory.read(...call)),
    },
  });
  expect((await away.ask("/api/chat/Chat-1/stream")).status).toBe(503);
});

test("a chat's events are heard by who waits for its first message, and by who comes later with its cursor", async () => {
  const waiting = await app.ask("/api/chat/Chat-1", { headers: EVENTS });
  await partsOf(await post([user("hi")]));
  expect(await readUntil(waiting, "message-end")).toContain('"type":"user-message"');
  const { cursor } = (await (await app.ask("/api/chat/Chat-1")).json()) as { cursor: string };
  const headers = { ...EVENTS, "last-event-id": cursor };
  const later = await app.ask("/api/chat/Chat-1", { headers });
  await partsOf(await post([user("and?", "U2")]));
  const heard = await readUntil(later, "message-end");
  expect(heard).toContain('"text":"and?"');
  expect(heard).not.toContain('"text":"hi"');
  expect((await app.ask("/api/chat/Chat-1", { method: "HEAD", headers: EVENTS })).status).toBe(200);
  await expect.poll(() => app.server.readers).toBe(0);
});

test("a stop that overtakes what it stops holds, also where the chat is not made yet", async () => {
  const stopped = await app.send("POST", "/api/chat/Chat-1/stop", { key: "k1" });
  expect(stopped.status).toBe(202);
  const headers = { "idempotency-key": "k1" };
  const body = { id: "Chat-1", messages: [user("hi")] };
  const parts = await partsOf(await app.send("POST", "/api/chat", body, headers));
  expect(parts.map(({ type }) => type)).toEqual(["start", "start-step", "finish-step", "abort"]);
  // The same message with another key is asked for anew: what it had was broken off.
  const again = await partsOf(await app.send("POST", "/api/chat", body, { "idempotency-key": "k2" }));
  expect(textOf(again)).toBe("Hello there");
  // And then it has its answer.
  const read = await partsOf(await app.send("POST", "/api/chat", body, { "idempotency-key": "k3" }));
  expect([read[0], textOf(read)]).toEqual([again[0], textOf(again)]);
  expect(app.told.calls).toHaveLength(1);
});

test("an edit and another answer that are sent twice with one key are one", async () => {
  await partsOf(await post([user("one", "U1")]));
  const edit = { id: "Chat-1", messages: [user("uno", "U1")], messageId: "U1" };
  const anew = { id: "Chat-1", messages: [user("uno", "U1")], trigger: "regenerate-message" };
  for (const [body, key] of [
    [edit, "e"],
    [anew, "a"],
  ] as const) {
    const once = await partsOf(await app.send("POST", "/api/chat", body, { "idempotency-key": key }));
    const twice = await partsOf(await app.send("POST", "/api/chat", body, { "idempotency-key": key }));
    expect([twice[0], textOf(twice)]).toEqual([once[0], textOf(once)]);
  }
  expect(app.told.calls).toHaveLength(3);
});

test("messages out of order: the new one stands below what comes last in the chat", async () => {
  const first = await partsOf(await post([user("one", "U1")]));
  const answer = { id: first[0]?.["messageId"], role: "assistant", parts: [{ type: "text", text: "x" }] };
  await partsOf(await post([answer, user("one", "U1"), user("two", "U2")]));
  expect(app.told.calls.at(-1)?.messages.map(({ text }) => text)).toEqual(["one", "Hello there", "two"]);
});

test("an answer is read again by its name, whatever is written since", async () => {
  const response = await post([user("one", "U1")]);
  const name = response.headers.get("x-millrace-message") ?? "";
  const first = await partsOf(response);
  const { open } = await leave();
  const again = await partsOf(await app.ask(`/api/chat/Chat-1/stream?message=${name}`));
  expect(inOnePiece(again)).toEqual(inOnePiece(first));
  expect((await app.ask("/api/chat/Chat-1/stream?message=none")).status).toBe(204);
  open();
});

test("its readers count, are found by their request, and when they are ended are not told that all is said", async () => {
  const { open } = await leave();
  const headers = { "x-request-id": "request-of-mine" };
  const response = await app.ask("/api/chat/Chat-1/stream", { headers });
  expect(app.server.readers).toBe(1);
  const looked = await (await app.ask("/v1/inspect")).text();
  expect(looked).toContain("request-of-mine");
  app.server.close().catch(() => {});
  const body = await response.text().catch(() => "cut");
  expect(body).not.toContain("[DONE]");
  open();
});

test("a request's id is that of its run, with a key or without", async () => {
  await using traced = await startApp({
    model: "told",
    runner: { onBegin: (run) => began.push(run.request) },
  });
  const began: (string | undefined)[] = [];
  const body = { id: "c", messages: [{ role: "user", parts: [{ type: "text", text: "hi" }] }] };
  await (await traced.send("POST", "/api/chat", body, { "x-request-id": "request-1" })).text();
  await (
    await traced.send(
      "POST",
      "/api/chat",
      { ...body, trigger: "regenerate-message" },
      { "x-request-id": "request-2" },
    )
  ).text();
  expect(began).toEqual(["request-1", "request-2"]);
});

test("beyond the limit of readers it is refused, and says when to come again", async () => {
  const options: ServerOptions & { maxReaders: number } = { model: "told", maxReaders: 0 };
  await using full = await startApp(options);
  const headers = { accept: "text/event-stream" };
  const refused = await full.send("POST", "/api/chat", { id: "c", messages: [user("hi")] }, headers);
  expect(refused.status).toBe(503);
  expect(refused.headers.get("retry-after")).not.toBeNull();
  expect((await full.ask("/api/chat/c/stream")).status).toBe(503);
  expect(full.told.calls).toHaveLength(0);
});

test("server code answers what is posted with a generation of its own, which is kept and stopped as any", async () => {
  const post = (body: object) =>
    app.server.answer(
      new Request("http://localhost/api/mine", {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      }),
      async function* ({ messages }) {
        yield await Promise.resolve(`You said ${messages.at(-1)?.text}`);
      },
    );
  expect(textOf(await partsOf(await post({ id: "c", messages: [user("hi")] })))).toBe("You said hi");
  const again = { id: "c", messages: [user("hi")], trigger: "regenerate-message" };
  expect(textOf(await partsOf(await post(again)))).toBe("You said hi");
  expect(await (await app.ask("/api/chat/c")).text()).toContain("You said hi");
  expect(app.told.calls).toHaveLength(0);
});
