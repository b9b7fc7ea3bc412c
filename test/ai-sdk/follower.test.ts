import { expect, test } from "vitest";
import { createChatTransport } from "../../src/ai-sdk/index.ts";
import { gate } from "../support/app.ts";
import { startUiFace } from "../support/ai-sdk-face.ts";
import type { TestUiFace } from "../support/ai-sdk-face.ts";

const CHAT = "a/b%c";
const API = "http://localhost/api/chat";

interface Message {
  parts: { text?: string }[];
}

async function readOut(stream: ReadableStream<never> | null): Promise<void> {
  const reader = stream?.getReader();
  while ((await reader?.read())?.done === false);
}

/** A page with a chat, which reads to its end what it sends and resumes. */
function openPage(send: typeof fetch) {
  const transport = createChatTransport({ api: API, delayMs: () => 1, fetch: send });
  const shown: string[][] = [];
  const view = {
    setMessages: (messages: Message[]) =>
      void shown.push(messages.map(({ parts }) => parts.map(({ text }) => text ?? "").join(""))),
    resumeStream: async () => readOut(await transport.reconnectToStream({ chatId: CHAT })),
  };
  return {
    /** What was shown, each time. */
    shown,
    follow: () => transport.follow(CHAT, view),
    say: async (id: string, text: string) =>
      readOut(
        await transport.sendMessages({
          chatId: CHAT,
          trigger: "submit-message",
          messageId: undefined,
          messages: [{ id, role: "user", parts: [{ type: "text", text }] }],
          abortSignal: undefined,
        }),
      ),
  };
}

/** Over a socket: what is aborted is cut. */
async function sendTo({ server }: TestUiFace): Promise<typeof fetch> {
  const url = await server.listen(0);
  return (input, init) => fetch(url + pathOf(input), init);
}

function pathOf(input: string | URL | Request): string {
  const { pathname, search } = new URL(new Request(input).url);
  return pathname + search;
}

test("a page is shown what others send, and not what it sends itself", async () => {
  await using face = await startUiFace();
  const send = await sendTo(face);
  const [page, other] = [openPage(send), openPage(send)];
  const leave = page.follow();
  await expect.poll(() => face.server.readers).toBe(1);
  await page.say("u1", "Why?");
  await expect.poll(() => face.server.readers).toBe(1);
  expect(page.shown).toEqual([]);
  await other.say("u2", "And?");
  // With the answer, or before it, which then comes as a stream.
  await expect.poll(() => page.shown.at(-1)).toEqual(expect.arrayContaining(["And?"]));
  await expect.poll(() => face.server.readers).toBe(1);
  leave();
  await expect.poll(() => face.server.readers).toBe(0);
});

test("an answer that ends before it is resumed is shown", async () => {
  await using face = await startUiFace();
  const go = face.answerSlowly();
  const ended = gate();
  const send = await sendTo(face);
  const page = openPage(async (input, init) => {
    if (pathOf(input).endsWith("/stream")) {
      go.open();
      await ended.opened;
    }
    return send(input, init);
  });
  const saying = openPage(send).say("u1", "Why?");
  await expect.poll(() => face.told.calls.length).toBe(1);
  const leave = page.follow();
  await saying;
  ended.open();
  await expect.poll(() => page.shown.at(-1)).toEqual(["Why?", "Hello again"]);
  leave();
});

test("it asks again where the server is away or its place is lost, and ends where it is refused", async () => {
  const json = { "content-type": "application/json" };
  const messages = [{ id: "m", role: "user", parts: [{ type: "text", text: "Hi" }] }];
  const chat = () => Response.json({ id: "x", cursor: "e.1", messages });
  const answers: (() => Response)[] = [
    () => new Response("starting", { status: 502 }),
    chat,
    () => new Response(null, { status: 204 }), // nothing to resume
    () => new Response("", { status: 200 }), // drained
    () => new Response("event: stream-reset\ndata: {}\n\n", { status: 200 }),
    chat,
    () => new Response(null, { status: 204 }),
    () => new Response('{"error":{"message":"Sign in."}}', { status: 401, headers: json }),
  ];
  const asked: string[] = [];
  const page = openPage((input, init) => {
    const cursor = new Headers(init?.headers).get("last-event-id");
    asked.push(`${pathOf(input).slice("/api/chat".length)} ${cursor}`);
    const next = answers.shift();
    return next === undefined ? Promise.reject(new Error("it was to end")) : Promise.resolve(next());
  });
  page.follow();
  await expect.poll(() => answers.length).toBe(0);
  expect(page.shown).toEqual([["Hi"], ["Hi"]]);
  const path = `/${encodeURIComponent(CHAT)}`;
  const round = [`${path} null`, `${path}/stream null`, `${path} e.1`];
  expect(asked).toEqual([`${path} null`, ...round, `${path} e.1`, ...round]);
});
