import { z } from "zod";
import {
  callAnswerSchema,
  choiceSchema,
  messageSchema,
  settingsSchema,
  stopSchema,
  updateSchema,
} from "../chats.ts";
import { bodySchema } from "../faces/openai-request.ts";
import { startSchema, stopSchema as stopRunSchema } from "../runs.ts";
import {
  chatListSchema,
  chatSchema,
  completionSchema,
  createdChatSchema,
  endSchema,
  modelSchema,
  modelsSchema,
  rememberedSchema,
  runSchema,
  startedMessageSchema,
  startedRunSchema,
} from "./answers.ts";
import type { Operation, Operations } from "./operation.ts";
import { after } from "./stream-operations.ts";

const REPLAYED = { "Idempotency-Replayed": "`true`: this is the first answer again." };

const starting: Pick<Operation, "tag" | "headers" | "answers"> = {
  tag: "Chats",
  headers: ["Idempotency-Key"],
  answers: {
    "202": {
      description: "It is being written. Read `stream` after `after`.",
      schema: startedMessageSchema,
      headers: REPLAYED,
    },
  },
};

/** Chats, runs and models. */
export const CHAT_OPERATIONS: Operations = {
  "POST /v1/chats": {
    tag: "Chats",
    summary: "Create a chat",
    headers: ["Idempotency-Key"],
    body: settingsSchema,
    isBodyOptional: true,
    example: { system: "Answer in one sentence." },
    answers: { "201": { description: "It was made.", schema: createdChatSchema, headers: REPLAYED } },
    errors: ["key-reused", "too-many-keys"],
  },
  "GET /v1/chats": {
    tag: "Chats",
    summary: "List the chats, or search them",
    description: "The list is a `state` stream: read it as one, as a page or live. With `q` it is a search.",
    query: { q: { description: "Words to search for.", schema: z.string().max(200) }, after },
    headers: ["Last-Event-ID", "Accept"],
    answers: {
      "200": {
        description: "The list, or what was found.",
        schema: chatListSchema,
        events: "The list's stream, as any other.",
      },
    },
    errors: ["invalid-cursor"],
  },
  "GET /v1/chats/:chat": {
    tag: "Chats",
    summary: "Read a chat",
    description: "The fold of its stream. To follow it, read `stream` after `cursor`.",
    answers: { "200": { description: "The chat as it is now.", schema: chatSchema } },
    errors: ["chat-unknown"],
  },
  "PATCH /v1/chats/:chat": {
    tag: "Chats",
    summary: "Change a chat, or restore it",
    body: updateSchema,
    example: { title: "Rayleigh scattering" },
    answers: { "204": { description: "Done." } },
    errors: ["chat-unknown", "chat-deleted"],
  },
  "DELETE /v1/chats/:chat": {
    tag: "Chats",
    summary: "Delete a chat",
    description: 'It can be restored for 30 seconds, by `PATCH` with `{"deleted": false}`.',
    answers: { "204": { description: "It is gone from the list, and what ran is stopped." } },
    errors: ["chat-unknown"],
  },
  "POST /v1/chats/:chat/messages": {
    ...starting,
    summary: "Send a message",
    description:
      "Appends what a person wrote and starts the answer, in one commit. Send an `Idempotency-Key`, and the same again where no answer comes.",
    body: messageSchema,
    example: { text: "Why is the sky blue?" },
    errors: [
      "unknown-model",
      "chat-unknown",
      "message-unknown",
      "run-active",
      "chat-full",
      "chat-deleted",
      "prompt-too-large",
      "key-reused",
      "too-many-runs",
    ],
  },
  "POST /v1/chats/:chat/regenerate": {
    ...starting,
    summary: "Write another answer",
    description: "To the same message, in a branch of its own. What runs is stopped first.",
    body: choiceSchema,
    isBodyOptional: true,
    example: {},
    errors: ["unknown-model", "chat-unknown", "message-unknown", "chat-full", "chat-deleted", "key-reused"],
  },
  "POST /v1/chats/:chat/continue": {
    ...starting,
    summary: "Go on with an answer",
    description: "One that has ended, in place.",
    body: choiceSchema,
    isBodyOptional: true,
    example: {},
    errors: ["unknown-model", "chat-unknown", "message-unknown", "run-active", "chat-deleted", "key-reused"],
  },
  "POST /v1/chats/:chat/stop": {
    tag: "Chats",
    summary: "Stop what is being written",
    description: "Whoever asks first ends the run for everybody; later the end that won is answered.",
    body: stopSchema,
    isBodyOptional: true,
    example: {},
    answers: {
      "200": { description: "The end that won.", schema: endSchema },
      "202": {
        description: "Its start has not come yet. When it does, it is born `cancelled`.",
        schema: rememberedSchema,
      },
    },
    errors: ["chat-unknown", "run-unknown", "chat-deleted"],
  },
  "GET /stream": {
    tag: "Runs",
    summary: "Ask with nothing but EventSource",
    description:
      "The URL is the key: the first request starts a run, every later one with the same query reads it. A browser that opens it is shown a page.",
    query: {
      prompt: { description: "What is asked.", schema: z.string(), isNeeded: true },
      model: { description: "Default: that of `GET /v1/models`.", schema: z.string() },
      key: { description: "Another key is a fresh answer.", schema: z.string() },
      last_event_id: { description: "As the header `Last-Event-ID`.", schema: z.string() },
    },
    headers: ["Last-Event-ID", "Accept"],
    answers: {
      "200": {
        description: "The answer as it is written. What fails is said in it, too.",
        events:
          'Unnamed events: `{"text": "Hello"}`. Then `event: end` with `{"reason": "stop", …}`, at which the client closes.',
      },
      "204": { description: "Nothing more comes for this cursor." },
    },
    errors: ["start-refused"],
  },
  "POST /v1/chats/:chat/tools/:call": {
    tag: "Chats",
    summary: "Allow or deny a call of a tool",
    body: callAnswerSchema,
    example: { approved: true },
    answers: {
      "200": { description: "The answer that holds.", schema: callAnswerSchema.extend({ call: z.string() }) },
    },
    errors: ["chat-unknown", "chat-deleted", "call-unknown", "call-answered", "run-ended"],
  },
  "POST /v1/runs": {
    tag: "Runs",
    summary: "Start a run",
    headers: ["Idempotency-Key"],
    body: startSchema,
    example: { prompt: "Why is the sky blue?" },
    answers: {
      "202": {
        description: "It is being written. Read `stream`.",
        schema: startedRunSchema,
        headers: REPLAYED,
      },
    },
    errors: ["unknown-model", "key-reused", "too-many-runs"],
  },
  "GET /v1/runs/:run": {
    tag: "Runs",
    summary: "Read a run",
    description: "Kept for one hour after its end.",
    answers: { "200": { description: "What it has written so far, and how it ended.", schema: runSchema } },
    errors: ["run-unknown"],
  },
  "POST /v1/runs/:run/stop": {
    tag: "Runs",
    summary: "Stop a run",
    body: stopRunSchema,
    isBodyOptional: true,
    example: {},
    answers: { "200": { description: "The end that won.", schema: endSchema } },
    errors: ["run-unknown"],
  },
  "GET /v1/models": {
    tag: "Models",
    summary: "List the models",
    answers: { "200": { description: "Those that are offered now.", schema: modelsSchema } },
  },
  "GET /v1/models/:id{.+}": {
    tag: "Models",
    summary: "Look up a model",
    answers: { "200": { description: "The model.", schema: modelSchema } },
    errorShape: "OpenAIError",
    errors: ["unknown-model"],
  },
  "POST /v1/chat/completions": {
    tag: "OpenAI-compatible",
    summary: "Complete a chat",
    description:
      "What is not known here is ignored. Leaving the request ends the run, unless it said `X-Millrace-Persist`.",
    headers: ["Idempotency-Key", "Last-Event-ID", "X-Millrace-Persist"],
    body: bodySchema,
    example: { messages: [{ role: "user", content: "Why is the sky blue?" }], stream: true },
    answers: {
      "200": {
        description: "The answer: when it is over, or with `stream` as it is written.",
        schema: completionSchema,
        events: "Chunks, as OpenAI words them, with the cursor as `id`; last `[DONE]`.",
        headers: { "X-Millrace-Run": "The run, whose stream is `runs/{run}`." },
      },
    },
    errorShape: "OpenAIError",
    errors: [
      "unknown-model",
      "run-unknown",
      "run-ended",
      "prompt-too-large",
      "key-reused",
      "too-many-runs",
      "provider-failed",
    ],
  },
};
