import { AI_SDK_OPERATIONS } from "./ai-sdk-operations.ts";
import { AUTH_OPERATIONS } from "./auth-operations.ts";
import { CHAT_OPERATIONS } from "./chat-operations.ts";
import type { Operations } from "./operation.ts";
import { SERVER_OPERATIONS } from "./server-operations.ts";
import { STREAM_OPERATIONS } from "./stream-operations.ts";

/** The parts of the interface, in the order in which they are shown. */
export const TAGS = {
  Streams: "Append-only logs with names. A reader is a cursor over one.",
  "Signals and presence": "What is told to those who read at this moment, and kept nowhere.",
  Runs: "Generations, each apart from every connection.",
  Chats: "Conversations, each the fold of its stream.",
  Models: "Where answers come from.",
  "OpenAI-compatible": "For whatever speaks to OpenAI. The base URL is `/v1`.",
  "AI SDK": "For `useChat` of the AI SDK, which asks for `/api/chat` by itself.",
  "Who may": "Keys, tokens, cookies and tickets: who asks, and what they may.",
  Server: "The server itself.",
} as const satisfies Record<string, string>;

/** All that is documented. A new route gets its entry in one of these tables, or in one of its own that is named here. */
export const OPERATIONS: Operations = {
  ...STREAM_OPERATIONS,
  ...CHAT_OPERATIONS,
  ...AI_SDK_OPERATIONS,
  ...AUTH_OPERATIONS,
  ...SERVER_OPERATIONS,
};
