import { afterEach, beforeEach, expect, test } from "vitest";
import type { ChatState } from "../../src/protocol/chat.ts";
import { blocks, EVENTS, gate, openBody, readUntil, startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

let app: TestServer;

beforeEach(async () => {
  app = await startApp();
});

afterEach(async () => {
  await app[Symbol.asyncDispose]();
});

interface Snapshot extends ChatState {
  chat: string;
  stream: string;
  cursor: string;
}

interface Started {
  user: string;
  message: string;
  run: string;
  stream: string;
  after: string;
}

async function json<T>(response: Response): Promise<T> {
  return (await response.json()) as T;
}

async function newChat(): Promise<string> {
  const response = await app.send("POST", "/v1/chats", {});
  expect(response.status).toBe(201);
  return (await json<{ chat: string }>(response)).chat;
}

async function post(path: string, body: unknown, key?: string): Promise<Response> {
  return app.send("POST", path, body, key === undefined ? {} : { "idempotency-key": key });
}

async function say(chat: string, text: string, more: object = {}): Promise<Started> {
  const response = await post(`/v1/chats/${chat}/messages`, { text, ...more });
  expect(response.status).toBe(202);
  return json(response);
}

async function read(chat: string): Promise<Snapshot> {
  return json(await app.ask(`/v1/chats/${chat}`));
}

/** The chat once nothing runs in it. */
async function settled(chat: string): Promise<Snapshot> {
  const now = await read(chat);
  if (now.run === undefined) return now;
  const stream = await app.ask(`/v1/streams/${now.stream}?after=${now.cursor}`, { headers: EVENTS });
  await readUntil(stream, '"message-end"');
  return settled(chat);
}

async function refused(response: Response): Promise<{ status: number; code: string; run?: string }> {
  const { error } = await json<{ error: { code: string; run?: string } }>(response);
  return { status: response.status, ...error };
}

/** An answer that says two words, then waits. */
function waiting(): { release: () => void } {
  const { opened, open } = gate();
  app.told.answer = async function* (_request, signal) {
    yield { type: "text", text: "One" };
    yield { type: "text", text: " two" };
    await Promise.race([opened, new Promise((resolve) => signal.addEventListener("abort", resolve))]);
    if (signal.aborted) return;
    yield { type: "finish", reason: "stop" };
  };
  return { release: open };
}

async function untilText(chat: string, text: string): Promise<void> {
  const { stream } = await read(chat);
  await readUntil(await app.ask(`/v1/streams/${stream}`, { headers: EVENTS }), text);
}

test("a message gets its answer, in one stream that folds to the chat", async () => {
  const chat = await newChat();
  const started = await say(chat, "Hello, who are you?\nAnd more", { system: "Be brief." });
  const { messages, title, cursor, stream, owner } = await settled(chat);
  expect({ title, stream, owner }).toEqual({
    title: "Hello, who are you?",
    stream: `chats/${chat}`,
    owner: "local",
  });
  expect(messages).toMatchObject([
    { role: "user", id: started.user, text: "Hello, who are you?\nAnd more", author: "local" },
    {
      role: "assistant",
      id: started.message,
      parent: started.user,
      text: "Hello there",
      end: { reason: "stop" },
    },
  ]);
  expect(app.told.calls[0]?.messages).toEqual([
    { role: "system", text: "Be brief." },
    { role: "user", text: "Hello, who are you?\nAnd more" },
  ]);
  const seen = await app.ask(`/v1/streams/${stream}?after=${started.after}&live=1`);
  const body = await readUntil(seen, "stream-caught-up");
  const types = blocks(body).map(
    ({ data, event }) => event ?? (JSON.parse(data ?? "") as { type: string }).type,
  );
  expect(types.slice(0, 4)).toEqual(["stream-start", "chat-update", "user-message", "message-start"]);
  expect(blocks(body).at(-1)?.["id"]).toBe(cursor);
});

test("the model is told the branch that is answered, and nothing else", async () => {
  const chat = await newChat();
  const first = await say(chat, "one");
  await settled(chat);
  const second = await say(chat, "two");
  await settled(chat);
  await say(chat, "instead of two", { edits: second.user });
  const { messages } = await settled(chat);
  expect(app.told.calls.at(-1)?.messages).toEqual([
    { role: "user", text: "one" },
    { role: "assistant", text: "Hello there" },
    { role: "user", text: "instead of two" },
  ]);
  const edited = messages.find(({ text }) => text === "instead of two");
  expect(edited?.parent).toBe(first.message);
  expect(messages.map(({ text }) => text)).toContain("two");
  await say(chat, "from the start", { parent: null });
  expect((await settled(chat)).messages.at(-2)).not.toHaveProperty("parent");
});

test("two tabs that send at once: one is answered, the other is told what runs", async () => {
  waiting();
  const chat = await newChat();
  const answers = await Promise.all(
    ["a", "b"].map((text) => post(`/v1/chats/${chat}/messages`, { text }, `key-${text}`)),
  );
  const [won, lost] = answers.sort((a, b) => a.status - b.status);
  expect([won?.status, lost?.status]).toEqual([202, 409]);
  const { run } = await json<Started>(won ?? new Response());
  expect(await refused(lost ?? new Response())).toMatchObject({ code: "run-active", run });
  expect(app.told.calls).toHaveLength(1);
  expect((await read(chat)).messages).toHaveLength(2);
});

test("the same send ten times is one message and one answer; another body under its key is refused", async () => {
  const chat = await newChat();
  const path = `/v1/chats/${chat}/messages`;
  const answers = await Promise.all(Array.from({ length: 10 }, () => post(path, { text: "hi" }, "k1")));
  const bodies = await Promise.all(answers.map((answer) => json<Started>(answer)));
  expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1);
  expect(answers.filter(({ headers }) => headers.has("idempotency-replayed"))).toHaveLength(9);
  await settled(chat);
  expect(await json(await post(path, { text: "hi" }, "k1"))).toEqual(bodies[0]);
  expect(app.told.calls).toHaveLength(1);
  expect(await refused(await post(path, { text: "ho" }, "k1"))).toMatchObject({
    status: 422,
    code: "key-reused",
  });
});

test.each(["before the first token", "after it"])("stop %s ends the run for every reader", async (when) => {
  const { release } = waiting();
  if (when === "before the first token") {
    app.told.answer = async function* (_request, signal) {
      await new Promise((resolve) => signal.addEventListener("abort", resolve));
      yield { type: "text", text: "too late" };
    };
  }
  const chat = await newChat();
  const { run } = await say(chat, "go");
  if (when === "after it") await untilText(chat, " two");
  const stopped = await json<object>(await post(`/v1/chats/${chat}/stop`, {}));
  expect(stopped).toMatchObject({ run, reason: "cancelled" });
  expect(app.told.aborts).toBe(1);
  const { messages, run: open } = await read(chat);
  expect(open).toBeUndefined();
  expect(messages[1]).toMatchObject({
    text: when === "after it" ? "One two" : "",
    end: { reason: "cancelled" },
  });
  release();
  expect(await json(await post(`/v1/chats/${chat}/stop`, {}))).toMatchObject({ run, reason: "cancelled" });
});

test("stop after the end answers with the end that won", async () => {
  const chat = await newChat();
  const { run } = await say(chat, "go");
  await settled(chat);
  expect(await json(await post(`/v1/chats/${chat}/stop`, {}))).toMatchObject({ run, reason: "stop" });
  expect(await refused(await post(`/v1/chats/${await newChat()}/stop`, {}))).toMatchObject({
    status: 404,
    code: "run-unknown",
  });
});

test("a stop that comes before its start is remembered, and the run is born cancelled", async () => {
  const chat = await newChat();
  const stop = await post(`/v1/chats/${chat}/stop`, { key: "early" });
  expect([stop.status, await stop.json()]).toEqual([202, { status: "remembered" }]);
  const response = await post(`/v1/chats/${chat}/messages`, { text: "go" }, "early");
  expect(response.status).toBe(202);
  expect(app.told.calls).toHaveLength(0);
  const { messages, run } = await read(chat);
  expect(run).toBeUndefined();
  expect(messages[1]).toMatchObject({ text: "", end: { reason: "cancelled" } });
  expect((await post(`/v1/chats/${chat}/stop`, { key: "early" })).status).toBe(200);
});

test("regenerate stops what runs and answers the same message again; nothing is removed", async () => {
  waiting();
  const chat = await newChat();
  const first = await say(chat, "go");
  await untilText(chat, " two");
  const second = await json<Started>(await post(`/v1/chats/${chat}/regenerate`, {}));
  const { messages, run } = await read(chat);
  expect(run?.run).toBe(second.run);
  expect(messages).toMatchObject([
    { id: first.user },
    { id: first.message, parent: first.user, end: { reason: "cancelled" } },
    { id: second.message, parent: first.user },
  ]);
  expect(app.told.calls[1]?.messages).toEqual([{ role: "user", text: "go" }]);
});

test("an edit during an answer stops it and opens a branch", async () => {
  waiting();
  const chat = await newChat();
  const first = await say(chat, "go");
  await untilText(chat, " two");
  const second = await say(chat, "go elsewhere", { edits: first.user });
  const { messages, run } = await read(chat);
  expect(run?.run).toBe(second.run);
  expect(messages[1]).toMatchObject({ id: first.message, end: { reason: "cancelled" } });
  expect(app.told.aborts).toBe(1);
});

test("continue goes on in place, told what was said so far", async () => {
  const { release } = waiting();
  const chat = await newChat();
  const { message } = await say(chat, "count");
  await untilText(chat, " two");
  await post(`/v1/chats/${chat}/stop`, {});
  app.told.answer = async function* () {
    yield { type: "text", text: ", three" };
    yield { type: "finish", reason: "stop" };
  };
  expect((await post(`/v1/chats/${chat}/continue`, { message })).status).toBe(202);
  release();
  const { messages } = await settled(chat);
  expect(messages).toHaveLength(2);
  expect(messages[1]).toMatchObject({ id: message, text: "One two, three", end: { reason: "stop" } });
  expect(app.told.calls[1]?.messages.slice(0, 2)).toEqual([
    { role: "user", text: "count" },
    { role: "assistant", text: "One two" },
  ]);
  expect(app.told.calls[1]?.messages[2]).toMatchObject({ role: "user" });
});

test("a model that can continue by itself writes the same text as if it had never stopped", async () => {
  const prompt = "tokens=40 rate=0 seed=5";
  const whole = await newChat();
  await say(whole, prompt, { model: "script" });
  const { messages: uncut } = await settled(whole);
  const cut = await newChat();
  await say(cut, `${prompt} fail=17`, { model: "script" });
  expect((await settled(cut)).messages[1]).toMatchObject({ end: { reason: "error" } });
  await post(`/v1/chats/${cut}/continue`, {});
  const { messages } = await settled(cut);
  expect(messages[1]?.text).toBe(uncut[1]?.text);
  expect(messages[1]).toMatchObject({
    end: { sha256: uncut[1]?.role === "assistant" ? uncut[1].end?.sha256 : "" },
  });
});

test("a chat that is deleted while it answers is stopped, leaves the list, and can be restored", async () => {
  waiting();
  const chat = await newChat();
  await say(chat, "go");
  await untilText(chat, " two");
  expect((await app.ask(`/v1/chats/${chat}`, { method: "DELETE" })).status).toBe(204);
  expect(app.told.aborts).toBe(1);
  const { deletedAt, messages } = await read(chat);
  expect(deletedAt).toBeTypeOf("number");
  expect(messages[1]).toMatchObject({ text: "One two", end: { reason: "cancelled" } });
  const response = await post(`/v1/chats/${chat}/messages`, { text: "more" });
  expect(await refused(response)).toMatchObject({ status: 410, code: "chat-deleted" });
  expect(await listed()).toEqual([{ key: chat, deleted: true }]);
  expect((await app.send("PATCH", `/v1/chats/${chat}`, { deleted: false })).status).toBe(204);
  expect(await listed()).toMatchObject([{ key: chat, title: "go" }]);
  await say(chat, "more");
});

async function listed(): Promise<unknown[]> {
  const page = await json<{ events: { event: unknown }[] }>(await app.ask("/v1/chats"));
  return page.events.map(({ event }) => event);
}

test("the list is a stream: made, named, answering and done are seen as they happen", async () => {
  expect(await listed()).toEqual([]);
  const { release } = waiting();
  const chat = await newChat();
  const stream = openBody(await app.ask("/v1/chats", { headers: EVENTS }));
  // What changes before it is read is read as it is then.
  await stream.until("stream-caught-up");
  const { run } = await say(chat, "go");
  await app.send("PATCH", `/v1/chats/${chat}`, { title: "A name" });
  release();
  const entries = blocks(await stream.until('"reason":"stop"'))
    .filter(({ event, data }) => event === undefined && data !== undefined)
    .map(({ data }) => JSON.parse(data ?? "") as { run?: string; title?: string });
  expect(entries.map((entry) => entry.run)).toContain(run);
  expect(entries.at(-1)).toMatchObject({ key: chat, title: "A name", messages: 2, reason: "stop" });
  expect(entries.at(-1)).not.toHaveProperty("run");
});

test("search finds titles and texts, also the newest, and no deleted chat", async () => {
  const first = await newChat();
  await say(first, "Tell me about waterwheels");
  await settled(first);
  const second = await newChat();
  await say(second, "Anything");
  await settled(second);
  const find = async (words: string) =>
    (await json<{ chats: { chat: string; snippet?: string }[] }>(await app.ask(`/v1/chats?q=${words}`)))
      .chats;
  expect(await find("waterwh")).toMatchObject([{ chat: first, snippet: "Tell me about waterwheels" }]);
  expect((await find("hello")).map(({ chat }) => chat).sort()).toEqual([first, second].sort());
  await say(second, "waterwheels too");
  await settled(second);
  expect(await find("waterwheels")).toHaveLength(2);
  await app.ask(`/v1/chats/${first}`, { method: "DELETE" });
  expect((await find("waterwheels")).map(({ chat }) => chat)).toEqual([second]);
  expect(await find("nothing+of+the+kind")).toEqual([]);
});

test.each([
  ["a parent that does not exist", { text: "x", parent: "nothing" }, 404, "message-unknown"],
  ["an edit of nothing", { text: "x", edits: "nothing" }, 404, "message-unknown"],
  ["1 MB of text", { text: "x".repeat(1_048_576) }, 413, "prompt-too-large"],
  ["a body of 5 MB", { text: "x".repeat(5_242_880) }, 413, "body-too-large"],
  ["no text", { text: "  " }, 400, "invalid-request"],
  ["an unknown member", { text: "x", role: "system" }, 400, "invalid-request"],
  ["a text that is none", { text: 5 }, 400, "invalid-request"],
  ["an unknown model", { text: "x", model: "gpt-99" }, 400, "unknown-model"],
  ["a name with odd characters", { text: "x", message: "<b>bold</b>" }, 400, "invalid-request"],
  ["no JSON", "{", 400, "invalid-json"],
])("%s is refused and nothing is written", async (_name, body, status, code) => {
  const chat = await newChat();
  const before = await read(chat);
  expect(await refused(await post(`/v1/chats/${chat}/messages`, body))).toMatchObject({ status, code });
  expect(await read(chat)).toEqual(before);
});

test("a message's name can be given once", async () => {
  const chat = await newChat();
  const { user } = await say(chat, "x", { message: "mine1234" });
  expect(user).toBe("mine1234");
  await settled(chat);
  const again = await post(`/v1/chats/${chat}/messages`, { text: "y", message: "mine1234" });
  expect(await refused(again)).toMatchObject({ status: 400, code: "invalid-request" });
});

test.each(["nothing1", "../runs", "A", "x".repeat(300), "%00", "a%2Fb"])(
  "the chat %s does not exist",
  async (chat) => {
    const path = `/v1/chats/${chat}`;
    expect((await app.ask(path)).status).toBe(404);
    expect((await post(`${path}/messages`, { text: "x" })).status).toBe(404);
    expect((await post(`${path}/stop`, {})).status).toBe(404);
  },
);

test("there is nothing to regenerate or continue in an empty chat", async () => {
  const chat = await newChat();
  for (const command of ["regenerate", "continue"]) {
    const response = await post(`/v1/chats/${chat}/${command}`, {});
    expect(await refused(response)).toMatchObject({ status: 404, code: "message-unknown" });
  }
});

test("nobody else can write a chat's stream", async () => {
  const chat = await newChat();
  const forged = { type: "message-end", message: "x", run: "x", reason: "stop" };
  const response = await app.send("POST", `/v1/streams/chats/${chat}`, forged);
  expect(await refused(response)).toMatchObject({ status: 403, code: "reserved-name" });
});

test("the same creation is the same chat", async () => {
  const [first, second] = await Promise.all([1, 2].map(() => post("/v1/chats", { title: "T" }, "create-1")));
  expect(await json(first ?? new Response())).toEqual(await json(second ?? new Response()));
  expect(await listed()).toHaveLength(1);
  expect(await refused(await post("/v1/chats", { title: "U" }, "create-1"))).toMatchObject({
    code: "key-reused",
  });
});
