import type { useChat as useChat3 } from "@ai-sdk/react";
import { readUIMessageStream } from "ai";
import type { ChatTransport, UIMessage, UIMessageChunk } from "ai";
import type { useChat as useChat4 } from "ai-sdk-react-4";
import { expect, test } from "vitest";
import { createChatTransport } from "../../src/ai-sdk/index.ts";
import type { ChatView } from "../../src/ai-sdk/index.ts";
import { gate } from "../support/app.ts";
import { startUiFace } from "../support/ai-sdk-face.ts";
import { startCuttingProxy } from "../support/cutting-proxy.ts";
import type { CuttingProxy } from "../support/cutting-proxy.ts";

const asked = {
  chatId: "a/b%c",
  messages: [{ id: "u1", role: "user", parts: [{ type: "text", text: "Why?" }] }] as UIMessage[],
  trigger: "submit-message" as const,
  messageId: undefined,
  abortSignal: undefined,
};

/** The texts of the message that the AI SDK makes of a stream. */
async function textsOf(stream: ReadableStream<UIMessageChunk>): Promise<string[]> {
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream, terminateOnError: true })) last = message;
  return last?.parts.flatMap((part) => ("text" in part ? [part.text] : [])) ?? [];
}

test.each([1, 2, 3])("an answer is whole, each word once, however the wire is cut (%i)", async (seed) => {
  await using face = await startUiFace();
  const words = Array.from({ length: 400 }, (_, index) => `wörd ${index} `);
  face.told.answer = async function* () {
    yield { type: "reasoning", text: "Hm." };
    for (const text of words) {
      yield { type: "text", text };
      // So that an event is a commit, and a cut falls between many.
      await new Promise((resolve) => setImmediate(resolve));
    }
    yield { type: "finish", reason: "stop" };
  };
  const url = await face.server.listen(0);
  let state = seed;
  await using proxy: CuttingProxy = await startCuttingProxy({
    target: Number(new URL(url).port),
    // The request that starts it gets its head, and is cut. Later ones last longer and longer: what is behind may come as one event.
    cutAfter: () => 600 + ((state = (state * 48_271) % 2_147_483_647) % 1_500) + proxy.cuts * 100,
  });
  const transport: ChatTransport<UIMessage> = createChatTransport({
    api: `http://127.0.0.1:${proxy.port}/api/chat`,
    delayMs: () => 1,
  });
  expect(await textsOf(await transport.sendMessages(asked))).toEqual(["Hm.", words.join("")]);
  expect(proxy.cuts).toBeGreaterThan(0);
  expect(face.told.calls).toHaveLength(1);
});

test("the parts of one event come once, also where the wire is cut between them", async () => {
  const begin = 'id: e.1\ndata: {"type":"start"}\n\n';
  const opening = 'data: {"type":"text-start","id":"t"}\n\n';
  const rest =
    'id: e.2\ndata: {"type":"text-delta","id":"t","delta":"Hi"}\n\ndata: {"type":"text-end","id":"t"}\n\n';
  const bodies = [begin + opening, `${opening}${rest}data: [DONE]\n\n`];
  const cursors: (string | null)[] = [];
  const transport = createChatTransport({
    delayMs: () => 1,
    fetch: (_input, init) => {
      cursors.push(new Headers(init?.headers).get("last-event-id"));
      return Promise.resolve(new Response(bodies.shift()));
    },
  });
  expect(await textsOf(await transport.sendMessages(asked))).toEqual(["Hi"]);
  expect(cursors).toEqual([null, "e.1"]);
});

test("headers are asked for before each request, the body once for what is sent again, cookies as it was said", async () => {
  const answer = 'id: e.1\ndata: {"type":"start"}\n\ndata: [DONE]\n\n';
  const requests: { url: string; init: RequestInit | undefined }[] = [];
  let tokens = 0;
  let bodies = 0;
  const transport = createChatTransport({
    headers: () => {
      tokens += 1;
      // A token that cannot be had for the moment.
      if (tokens === 2) return Promise.reject(new Error("no token"));
      return Promise.resolve({ authorization: `Bearer ${tokens}`, "x-app": "mine" });
    },
    body: () => ({ model: "told", n: ++bodies }),
    credentials: "include",
    delayMs: () => 1,
    fetch: (url, init) => {
      requests.push({ url: url as string, init });
      return requests.length === 1
        ? Promise.reject(new Error("reset"))
        : Promise.resolve(new Response(answer));
    },
  });
  const more = { headers: new Headers({ "X-App": "this one's" }), body: { model: "other" } };
  await textsOf(await transport.sendMessages({ ...asked, ...more }));
  await transport.reconnectToStream({ chatId: "c" });
  await transport.stop("c");
  const seen = requests.map(({ url, init }) => {
    const headers = new Headers(init?.headers);
    return [url, headers.get("authorization"), headers.get("x-app"), init?.credentials];
  });
  expect(seen).toEqual([
    ["/api/chat", "Bearer 1", "this one's", "include"],
    ["/api/chat", "Bearer 3", "this one's", "include"],
    ["/api/chat/c/stream", "Bearer 4", "mine", "include"],
    ["/api/chat/c/stop", "Bearer 5", "mine", "include"],
  ]);
  const [first, again] = requests.map(({ init }) => init?.body as string);
  expect(again).toBe(first);
  expect(JSON.parse(first ?? "")).toMatchObject({ model: "other", n: 1, id: asked.chatId });
});

test("an abort stops the answer for everybody; leaving what was resumed does not", async () => {
  await using face = await startUiFace();
  face.answerSlowly();
  const transport = createChatTransport({
    api: "http://localhost/api/chat",
    fetch: (input, init) => face.server.fetch(new Request(input, init)),
  });
  expect(await transport.reconnectToStream({ chatId: "new" })).toBeNull();
  const abort = new AbortController();
  const first = (await transport.sendMessages({ ...asked, abortSignal: abort.signal })).getReader();
  await first.read();
  const left = await transport.reconnectToStream({ chatId: asked.chatId });
  await left?.cancel();
  const stays = await transport.reconnectToStream({ chatId: asked.chatId });
  abort.abort();
  const types: string[] = [];
  const reader = stays?.getReader();
  for (let part = await reader?.read(); part?.done === false; part = await reader?.read())
    types.push((part.value as { type: string }).type);
  expect(types.at(-1)).toBe("abort");
  expect(await transport.reconnectToStream({ chatId: asked.chatId })).toBeNull();
});

type Hook = typeof useChat3 | typeof useChat4;
type Options<H extends Hook> = NonNullable<Parameters<H>[0]>;
const viewOf = (helpers: ReturnType<Hook>): ChatView => helpers;

test("the compiler lets it into the hook of version 3 and 4, and what they give be followed", () => {
  const transport = createChatTransport();
  const options: [Options<typeof useChat3>, Options<typeof useChat4>] = [{ transport }, { transport }];
  expect([...options, viewOf]).toHaveLength(3);
});

test("what the server refuses is said in its words", async () => {
  await using face = await startUiFace();
  const transport = createChatTransport({
    api: "http://localhost/api/chat",
    fetch: (input, init) => face.server.fetch(new Request(input, init)),
  });
  await expect(transport.sendMessages({ ...asked, messages: [] })).rejects.toThrow("messages is empty");
});

test("a message whose request the network loses is sent again, and is one", async () => {
  await using face = await startUiFace();
  let sent = 0;
  const transport: ChatTransport<UIMessage> = createChatTransport({
    api: "http://localhost/api/chat",
    delayMs: () => 1,
    fetch: async (input, init) => {
      const response = await face.server.fetch(new Request(input, init));
      // It arrives, and its answer does not.
      if (init?.method === "POST" && ++sent < 3) throw new TypeError("network error");
      return response;
    },
  });
  expect(await textsOf(await transport.sendMessages(asked))).toEqual(["Hello there"]);
  expect(sent).toBe(3);
  expect(face.told.calls).toHaveLength(1);
});

test("an abort before the server has heard of the message stops it, and one after a resume stops it too", async () => {
  await using face = await startUiFace();
  face.answerSlowly();
  const held = gate();
  const said: string[] = [];
  const transport = createChatTransport({
    api: "http://localhost/api/chat",
    delayMs: () => 1,
    fetch: async (input, init) => {
      const isStart = init?.method === "POST" && input === "http://localhost/api/chat";
      const request = new Request(input, { ...init, signal: null });
      if (isStart) await held.opened;
      const response = await face.server.fetch(request);
      if (!isStart && init?.method === "POST") said.push(await response.clone().text());
      init?.signal?.throwIfAborted();
      return response;
    },
  });
  const abort = new AbortController();
  const sending = transport.sendMessages({ ...asked, abortSignal: abort.signal }).catch(() => undefined);
  abort.abort();
  await expect.poll(() => said).toEqual(['{"status":"remembered"}']);
  held.open();
  await sending;
  const read = async () =>
    (await (await face.ask(`/api/chat/${encodeURIComponent(asked.chatId)}`)).json()) as {
      messages: object[];
    };
  await expect.poll(async () => (await read()).messages.length).toBe(2);
  expect(face.told.calls).toHaveLength(0);

  const next = { ...asked, messages: [{ id: "u2", role: "user", parts: [{ type: "text", text: "And?" }] }] };
  const reader = (await transport.sendMessages(next)).getReader();
  await reader.read();
  await reader.cancel();
  const leaving = new AbortController();
  await transport.reconnectToStream({ chatId: asked.chatId, abortSignal: leaving.signal });
  leaving.abort();
  await expect.poll(() => said.at(-1)).toBe('{"reason":"cancelled"}');
});
