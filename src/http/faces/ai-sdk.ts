import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import type { ReadChat } from "../../chat/chat-reader.ts";
import type { Chats } from "../../chat/chats.ts";
import type { FoundModel } from "../../chat/models.ts";
import type { Hub } from "../../hub/hub.ts";
import type { Log } from "../../log/log.ts";
import type { ChatState } from "../../protocol/chat.ts";
import { requireCursor, resolveCursor } from "../../protocol/cursor.ts";
import { StreamError } from "../../protocol/error.ts";
import { chatStream } from "../../protocol/names.ts";
import { accessOf } from "../auth/access.ts";
import { idempotencyKey, readBody } from "../body.ts";
import { stopSchema } from "../chats.ts";
import { openEventStream, openReader, requestCursor, wantsEvents } from "../event-stream.ts";
import type { Edge } from "../event-stream.ts";
import { setHeader } from "../headers.ts";
import { streamFormat } from "../stream-format.ts";
import { readingStart } from "../streams.ts";
import { toUiMessages } from "./ai-sdk-messages.ts";
import { AnswerReader } from "./ai-sdk-reader.ts";
import { toUiRequest, uiRequestSchema } from "./ai-sdk-request.ts";
import { createUiStart, nameOf } from "./ai-sdk-start.ts";
import { readAnswer } from "./ai-sdk-stream.ts";
import type { AnswerStart } from "./ai-sdk-stream.ts";

export interface AiSdkOptions {
  log: Log;
  hub: Hub;
  chats: Chats;
  edge?: Edge | undefined;
  now: () => number;
}

/** Where server code hands in who answers a request, instead of a model. */
export const ANSWERER = Symbol("answerer");

export const uiStopSchema = z.looseObject(stopSchema.shape);

/** What our own names look like. */
const OWN_NAME = /^[a-z0-9]{16}$/;

/** Whether a path answers with parts: who asks there stays as a reader does. */
export function isUiStreamPath(path: string): boolean {
  return path === "/api/chat" || /^\/api\/chat\/[^/]+\/stream$/.test(path);
}

interface FoundChat extends ReadChat {
  owner: string;
  chat: string;
}

/** `/api/chat`: what `useChat` of the AI SDK asks for, said by our own chats.
 *  End:    a request that is left ends nothing; `stop` does.
 *  Source: PROTOCOL.md "AI SDK". */
export function aiSdkRoutes({ log, hub, chats, edge, now }: AiSdkOptions): Hono {
  const routes = new Hono();
  const start = createUiStart({ chats, log, now });

  routes.post("/api/chat", async (context) => {
    const access = accessOf(context);
    access.checkRun();
    const owner = access.id;
    const key = idempotencyKey(context);
    const { body } = await readBody(context, uiRequestSchema);
    const request = toUiRequest(body);
    const chat = await chatOf(owner, request.id);
    await chats.create(owner, { chat });
    const { message, run, after } = await start({
      owner,
      chat,
      request,
      key,
      answerer: answererOf(context),
      requestId: context.get("requestId"),
    });
    const from = after === undefined ? 0 : requireCursor(after).offset;
    return open(context, chat, { message, run, from });
  });

  routes.get("/api/chat/:id", async (context) => {
    if (wantsEvents(context) && context.req.method === "GET") return openChat(context);
    const { chat, state, cursor } = await find(context);
    context.header("Cache-Control", "no-store");
    return context.json({ id: chat, cursor, messages: toUiMessages(state) });
  });

  routes.get("/api/chat/:id/stream", async (context) => {
    const found = await findIfAny(context);
    if (found === undefined) return context.body(null, 204);
    const { chat, state } = found;
    const cursor = requestCursor(context);
    const answer = answerOf(state, context.req.query("message"), cursor !== undefined);
    if (answer === undefined) return context.body(null, 204);
    const after = cursor === undefined ? 0 : await placeOf(chat, cursor);
    const isOpen = state.run?.run === answer.run;
    return open(context, chat, { ...answer, from: 0, after }, isOpen);
  });

  routes.post("/api/chat/:id/stop", async (context) => {
    const { body } = await readBody(context, uiStopSchema, {});
    const { owner, chat } = await find(context).catch((error: unknown) => {
      // It may overtake what makes the chat.
      if (body.key === undefined) throw error;
      ignoreUnknown(error);
      return make(context);
    });
    const end = await chats.stop(owner, chat, body.key);
    return end === undefined
      ? context.json({ status: "remembered" }, 202)
      : context.json({ reason: end.reason });
  });

  /** A chat of this person under its own name, or the one that the client's name stands for. */
  async function chatOf(owner: string, id: string): Promise<string> {
    return (await chats.ownerOf(id)) === owner ? id : nameOf(owner, id);
  }

  async function find(context: Context): Promise<FoundChat> {
    const owner = accessOf(context).id;
    const chat = await chatOf(owner, context.req.param("id") ?? "");
    return { owner, chat, ...(await chats.read(owner, chat)) };
  }

  /** Undefined: a name that the client has just made up. */
  async function findIfAny(context: Context): Promise<FoundChat | undefined> {
    try {
      return await find(context);
    } catch (error) {
      if (OWN_NAME.test(context.req.param("id") ?? "")) throw error;
      return ignoreUnknown(error);
    }
  }

  /** The chat's own events. Those of a chat that is not made yet come with its first message. */
  async function openChat(context: Context): Promise<Response> {
    const { id } = accessOf(context);
    const chat = (await findIfAny(context))?.chat ?? (await nameOf(id, context.req.param("id") ?? ""));
    const stream = chatStream(chat);
    const from = readingStart(context, await log.info(stream));
    return openEventStream(context, hub, edge, { stream, format: streamFormat, from });
  }

  async function placeOf(chat: string, text: string): Promise<number> {
    const info = await log.info(chatStream(chat));
    const resumption = info && resolveCursor(info, requireCursor(text));
    if (resumption?.status === "honoured") return resumption.after;
    throw new StreamError(
      "invalid-cursor",
      "This Last-Event-ID is none of this chat's. Leave it out: the answer then comes from its beginning.",
    );
  }

  async function make(context: Context): Promise<{ owner: string; chat: string }> {
    const access = accessOf(context);
    access.checkRun();
    const chat = await nameOf(access.id, context.req.param("id") ?? "");
    await chats.create(access.id, { chat });
    return { owner: access.id, chat };
  }

  /** `isOpen`: there is more to come, so that nobody need be told by the status that it has all. */
  async function open(context: Context, chat: string, answer: AnswerStart, isOpen = true): Promise<Response> {
    const stream = chatStream(chat);
    const gone = new AbortController();
    const events = readAnswer(log, stream, answer, gone.signal);
    const first = isOpen ? undefined : await events.next();
    if (first?.done === true) return context.body(null, 204);
    setHeader(context, "X-Vercel-AI-UI-Message-Stream", "v1");
    setHeader(context, "X-Millrace-Message", answer.message);
    const source = { stream, first: first?.value, events, gone };
    return openReader(context, hub, edge, {
      began: answer.after === undefined ? "new" : "resumed",
      make: (sink, onLeave) => new AnswerReader(source, sink, onLeave),
    });
  }

  return routes;
}

/** The answer that a reader comes for: the one that it names; else the one that is written, or where it brings a cursor the last one. */
function answerOf(
  { run, messages }: ChatState,
  named: string | undefined,
  hasCursor: boolean,
): { message: string; run: string } | undefined {
  if (named === undefined && run !== undefined) return run;
  if (named === undefined && !hasCursor) return undefined;
  const found = messages.findLast(
    (message) => message.role === "assistant" && (named === undefined || message.id === named),
  );
  return found?.role === "assistant" ? { message: found.id, run: found.run } : undefined;
}

function answererOf(context: Context): FoundModel | undefined {
  const env: unknown = context.env;
  // Only our own `answer` sets it.
  return typeof env === "object" && env !== null && ANSWERER in env
    ? (env[ANSWERER] as FoundModel)
    : undefined;
}

/** A client that has just made up a name for a chat resumes it at once, and takes anything but 204 for a failure. A name of ours it cannot have
 *  made up: that one is unknown, or somebody else's. */
function ignoreUnknown(error: unknown): undefined {
  if (!(error instanceof StreamError) || error.code !== "chat-unknown") throw error;
}
