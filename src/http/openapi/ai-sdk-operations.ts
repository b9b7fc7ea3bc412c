import { z } from "zod";
import { uiMessageSchema, uiRequestSchema } from "../faces/ai-sdk-request.ts";
import { uiStopSchema } from "../faces/ai-sdk.ts";
import type { Answer, Operations } from "./operation.ts";

const PARTS: Answer = {
  description: "The answer, as far as it is written and then as it comes.",
  events: "Parts, as the AI SDK words them, with the cursor as `id`; last `[DONE]`.",
  headers: { "X-Vercel-AI-UI-Message-Stream": "`v1`" },
};

/** What `useChat` of the AI SDK asks for. */
export const AI_SDK_OPERATIONS: Operations = {
  "POST /api/chat": {
    tag: "AI SDK",
    summary: "Say something in a chat, and read the answer",
    description:
      "The chat is made if there is none. What is not known here is ignored. Leaving the request ends nothing.",
    headers: ["Idempotency-Key"],
    body: uiRequestSchema,
    example: {
      id: "my-chat",
      messages: [{ id: "m1", role: "user", parts: [{ type: "text", text: "Why is the sky blue?" }] }],
    },
    answers: { "200": PARTS },
    errors: ["unknown-model", "message-unknown", "run-active", "prompt-too-large", "too-many-runs"],
  },
  "GET /api/chat/:id": {
    tag: "AI SDK",
    summary: "Read a chat as UI messages",
    description:
      "An answer that is being written is left out: it comes by the stream. Where `Accept` names `text/event-stream`: the events of the chat, after `Last-Event-ID`, also of one that is not made yet.",
    headers: ["Last-Event-ID"],
    answers: {
      "200": {
        description: "The newest branch, and the cursor up to which it was read.",
        schema: z.object({ id: z.string(), cursor: z.string(), messages: z.array(uiMessageSchema) }),
        events: "Those of the stream `chats/{chat}`.",
      },
    },
    errors: ["chat-unknown"],
  },
  "GET /api/chat/:id/stream": {
    tag: "AI SDK",
    summary: "Read the answer that is being written",
    description: "From its beginning; with `Last-Event-ID` what follows, also when it has ended meanwhile.",
    headers: ["Last-Event-ID"],
    query: {
      message: { description: "Which answer. Default: the one that is being written.", schema: z.string() },
    },
    answers: { "200": PARTS, "204": { description: "Nothing is being written, or all of it was read." } },
    errors: ["chat-unknown", "invalid-cursor"],
  },
  "POST /api/chat/:id/stop": {
    tag: "AI SDK",
    summary: "Stop the answer",
    description: "The end that won, also long after.",
    body: uiStopSchema,
    isBodyOptional: true,
    example: {},
    answers: {
      "202": {
        description: "Its start has not arrived, and will be stopped when it does.",
        schema: z.object({ status: z.literal("remembered") }),
      },
      "200": { description: "It has ended.", schema: z.object({ reason: z.string().describe("Why") }) },
    },
    errors: ["chat-unknown", "run-unknown"],
  },
};
