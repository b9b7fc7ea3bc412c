import { setTimeout as sleep } from "node:timers/promises";
import { speak } from "./answer.mjs";

/** How long a person looks at an answer that has stopped before they reload. */
const RELOAD_MS = 1_000;

/** "Chatbot Resume Streams" of its documentation, with a speaker in the model's place: `createNewResumableStream` for the POST,
 *  `resumeExistingStream` for the GET, the chat kept in a map. */
export default {
  title: "AI SDK useChat + resumable-stream",
  packages: ["ai", "resumable-stream", "redis", "@hono/node-server"],
  needsRedis: true,
  way: "`resume: true`: the page, loaded again, asks for the stream and shows all of it from its start",
  yours: "who reloads, a store of chats and of active streams, both routes, stop",
  async serve({ port }) {
    const { UI_MESSAGE_STREAM_HEADERS, createUIMessageStream, createUIMessageStreamResponse, generateId } =
      await import("ai");
    const { createResumableStreamContext } = await import("resumable-stream");
    const { serve } = await import("@hono/node-server");
    const context = createResumableStreamContext({ waitUntil: () => undefined });
    const chats = new Map();
    const post = async (request) => {
      const { id, message } = await request.json();
      const messages = [message];
      chats.set(id, { messages, activeStreamId: undefined });
      const stream = createUIMessageStream({
        originalMessages: messages,
        generateId,
        async execute({ writer }) {
          writer.write({ type: "text-start", id: "0" });
          for await (const delta of speak(id)) writer.write({ type: "text-delta", id: "0", delta });
          writer.write({ type: "text-end", id: "0" });
        },
        onFinish: ({ messages }) => chats.set(id, { messages, activeStreamId: undefined }),
      });
      return createUIMessageStreamResponse({
        stream,
        async consumeSseStream({ stream }) {
          const streamId = generateId();
          await context.createNewResumableStream(streamId, () => stream);
          chats.get(id).activeStreamId = streamId;
        },
      });
    };
    const get = async (id) => {
      const streamId = chats.get(id)?.activeStreamId;
      const stream = streamId && (await context.resumeExistingStream(streamId));
      if (!stream) return new Response(null, { status: 204 });
      return new Response(stream.pipeThrough(new TextEncoderStream()), {
        headers: UI_MESSAGE_STREAM_HEADERS,
      });
    };
    const fetch = (request) => {
      const [, id, what] = /^\/api\/chat(?:\/([^/]+)\/(stream|messages))?$/.exec(
        new URL(request.url).pathname,
      );
      if (what === "messages") return Response.json(chats.get(id)?.messages ?? []);
      return what === "stream" ? get(id) : post(request);
    };
    await new Promise((resolve) => void serve({ fetch, port, hostname: "127.0.0.1" }, resolve));
    return {};
  },
  begin: (run) => ({
    path: "/api/chat",
    method: "POST",
    body: JSON.stringify({
      id: run,
      message: { id: "m0", role: "user", parts: [{ type: "text", text: run }] },
    }),
  }),
  again: (run) => ({ path: `/api/chat/${run}/stream` }),
  async read({ url, run, say, clear, signal }) {
    const { AbstractChat, DefaultChatTransport } = await import("ai");
    class Page extends AbstractChat {}
    const open = (messages) => {
      const page = new Page({
        id: run,
        state: createState(messages, (shown) => {
          clear();
          say(shown);
        }),
        transport: new DefaultChatTransport({
          api: `${url}/api/chat`,
          prepareSendMessagesRequest: ({ id, messages }) => ({ body: { id, message: messages.at(-1) } }),
        }),
      });
      signal.addEventListener("abort", () => void page.stop());
      return page;
    };
    let page = open([]);
    await page.sendMessage({ text: run });
    while (page.status === "error" && !signal.aborted) {
      await sleep(RELOAD_MS);
      const saved = await load(`${url}/api/chat/${run}/messages`);
      if (saved === undefined) continue; // the page does not load: the person tries again
      page = open(saved);
      await page.resumeStream();
    }
  },
};

async function load(url) {
  try {
    return await (await fetch(url)).json();
  } catch {
    return undefined;
  }
}

/** What `useChat` keeps, without React. */
function createState(messages, onChange) {
  const changed = () => {
    const last = state.messages.at(-1);
    if (last?.role === "assistant") onChange(textOf(last));
  };
  const state = {
    status: "ready",
    error: undefined,
    messages,
    pushMessage(message) {
      state.messages = [...state.messages, message];
      changed();
    },
    popMessage() {
      state.messages = state.messages.slice(0, -1);
    },
    replaceMessage(index, message) {
      state.messages = state.messages.with(index, message);
      changed();
    },
    snapshot: (value) => structuredClone(value),
  };
  changed();
  return state;
}

function textOf(message) {
  return message.parts.map(({ text = "" }) => text).join("");
}
