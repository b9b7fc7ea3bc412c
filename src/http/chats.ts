import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import { commandKeyId } from "../chat/chats.ts";
import type { Chats, CommandKey, StartedRun } from "../chat/chats.ts";
import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import { sha256 } from "../protocol/hash.ts";
import { chatListStream, chatStream } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";
import { idempotencyKey, readBody } from "./body.ts";
import { MAX_PROMPT_LENGTH } from "./runs.ts";
import type { StreamReader } from "./streams.ts";

export interface ChatsOptions {
  log: Log;
  chats: Chats;
  readStream: StreamReader;
  now: () => number;
}

const KEY_TTL_MS = 24 * 3_600_000;
const MAX_QUERY_LENGTH = 200;

const title = z.string().max(200).describe("What it is called");
const system = z
  .string()
  .max(100_000)
  .describe("What the model is told before everything else; empty: nothing");
const model = z
  .string()
  .min(1)
  .max(200)
  .describe("Default: that of `GET /v1/models`; where an answer goes on, the one that wrote it");
const id = z.string().regex(/^[a-z0-9]{8,32}$/, "a name has 8 to 32 of a-z and 0-9");
export const settingsSchema = z.strictObject({ title: title.optional(), system: system.optional() });
export const updateSchema = settingsSchema.extend({
  deleted: z.literal(false).optional().describe("Takes a deletion back, within 30 seconds"),
});
export const messageSchema = z.strictObject({
  text: z.string().describe("What the person says"),
  message: id.optional().describe("A name for it, of your choice"),
  model: model.optional(),
  parent: z
    .string()
    .max(64)
    .nullable()
    .optional()
    .describe("The message that it answers; null: none. Default: the last of the newest branch"),
  edits: z.string().max(64).optional().describe("The message of a person that it takes the place of"),
  system: system.optional(),
});
export const choiceSchema = z.strictObject({
  message: z.string().max(64).optional().describe("Which answer. Default: the last"),
  model: model.optional(),
});
export const callAnswerSchema = z.strictObject({
  approved: z.boolean().describe("Whether the call may be made."),
  reason: z.string().min(1).max(1_000).optional().describe("What the model is told of a denial."),
});
export const stopSchema = z.strictObject({
  key: z
    .string()
    .min(1)
    .max(128)
    .optional()
    .describe("The `Idempotency-Key` of a start: stops that one, even if it has not arrived"),
});

/** `/v1/chats`. Source: PROTOCOL.md "Chats". */
export function chatRoutes({ log, chats, readStream, now }: ChatsOptions): Hono {
  const routes = new Hono();

  routes.post("/v1/chats", async (context) => {
    const owner = startingOwner(context);
    const { text, body } = await readBody(context, settingsSchema, {});
    const key = idempotencyKey(context);
    const claim = key === undefined ? undefined : await claimOf(`${owner} POST /v1/chats ${key}`, text);
    const { status, chat, stream } = await chats.create(owner, present(body), claim);
    if (status === "replayed") context.header("Idempotency-Replayed", "true");
    return context.json({ chat, stream }, 201);
  });

  routes.get("/v1/chats", async (context) => {
    const owner = accessOf(context).id;
    const words = context.req.query("q");
    if (words !== undefined) {
      return context.json({ chats: await chats.search(owner, words.slice(0, MAX_QUERY_LENGTH)) });
    }
    const list = chatListStream(owner);
    // Whoever has no chats yet has an empty list.
    if ((await log.info(list)) === undefined) await log.create(list, { kind: "state" });
    return readStream(context, list);
  });

  routes.get("/v1/chats/:chat", async (context) => {
    const chat = context.req.param("chat");
    const { state, cursor } = await chats.read(accessOf(context).id, chat);
    context.header("Cache-Control", "no-store");
    return context.json({ chat, stream: chatStream(chat), cursor, ...state });
  });

  routes.patch("/v1/chats/:chat", async (context) => {
    const owner = accessOf(context).id;
    const chat = context.req.param("chat");
    const { body } = await readBody(context, updateSchema);
    const { deleted, ...settings } = body;
    if (deleted === false) await chats.restore(owner, chat);
    if (Object.keys(settings).length > 0) await chats.update(owner, chat, present(settings));
    return context.body(null, 204);
  });

  routes.delete("/v1/chats/:chat", async (context) => {
    await chats.delete(accessOf(context).id, context.req.param("chat"));
    return context.body(null, 204);
  });

  routes.post("/v1/chats/:chat/messages", async (context) => {
    const owner = startingOwner(context);
    const chat = context.req.param("chat");
    const { text, body } = await readBody(context, messageSchema);
    checkText(body.text);
    const key = await commandKey(context, owner, chat, "messages", text);
    return started(context, await chats.send(owner, chat, present(body), key, context.get("requestId")));
  });

  routes.post("/v1/chats/:chat/regenerate", async (context) => {
    const owner = startingOwner(context);
    const chat = context.req.param("chat");
    const { text, body } = await readBody(context, choiceSchema, {});
    const key = await commandKey(context, owner, chat, "regenerate", text);
    return started(
      context,
      await chats.regenerate(owner, chat, present(body), key, context.get("requestId")),
    );
  });

  routes.post("/v1/chats/:chat/continue", async (context) => {
    const owner = startingOwner(context);
    const chat = context.req.param("chat");
    const { text, body } = await readBody(context, choiceSchema, {});
    const key = await commandKey(context, owner, chat, "continue", text);
    return started(context, await chats.continue(owner, chat, present(body), key, context.get("requestId")));
  });

  routes.post("/v1/chats/:chat/stop", async (context) => {
    const { body } = await readBody(context, stopSchema, {});
    const end = await chats.stop(accessOf(context).id, context.req.param("chat"), body.key);
    if (end === undefined) return context.json({ status: "remembered" }, 202);
    const { type: _, ...rest } = end;
    return context.json(rest);
  });

  // A call is answered once, so that a key would change nothing.
  routes.post("/v1/chats/:chat/tools/:call", async (context) => {
    const { chat, call } = context.req.param();
    const { body } = await readBody(context, callAnswerSchema);
    const status = await chats.answerCall(accessOf(context).id, chat, call, present(body));
    if (status === "repeated") context.header("Idempotency-Replayed", "true");
    return context.json({ call, ...body });
  });

  async function commandKey(
    context: Context,
    owner: string,
    chat: string,
    command: string,
    body: string,
  ): Promise<CommandKey | undefined> {
    const key = idempotencyKey(context);
    if (key === undefined) return undefined;
    return {
      claim: await claimOf(commandKeyId(owner, chat, command, key), body),
      text: key,
    };
  }

  async function claimOf(id: string, body: string): Promise<CommandKey["claim"]> {
    return { id, digest: await sha256(body), expiresAt: now() + KEY_TTL_MS };
  }

  return routes;
}

function started(context: Context, { status, user, message, run, stream, after }: StartedRun): Response {
  if (status === "joined") context.header("Idempotency-Replayed", "true");
  return context.json({ user, message, run, stream, after }, 202);
}

/** Who starts something that is paid for. Errors: `forbidden` 403. */
function startingOwner(context: Context): string {
  const access = accessOf(context);
  access.checkRun();
  return access.id;
}

function checkText(text: string): void {
  if (text.trim() === "") throw new StreamError("invalid-request", "text: say something.");
  if (text.length <= MAX_PROMPT_LENGTH) return;
  throw new StreamError(
    "prompt-too-large",
    `text: a message has at most ${MAX_PROMPT_LENGTH} characters; this one has ${text.length}.`,
  );
}

/** The members that were given: an optional one that is `undefined` is none. */
function present<T extends object>(body: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  // What is left has no undefined in it.
  return Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}
