import { z } from "zod";
import type { PromptMessage } from "../../chat/provider.ts";
import { StreamError } from "../../protocol/error.ts";

const MAX_MESSAGES = 10_000;

const part = z.looseObject({
  type: z.string().describe("What it is"),
  text: z.string().optional().describe("Of a part of type `text`: what it says"),
});

export const uiMessageSchema = z.looseObject({
  id: z.string().max(200).optional().describe("The client's name for it"),
  role: z.enum(["system", "user", "assistant"]).describe("Who says it"),
  parts: z.array(part).max(10_000).describe("Those of type `text` are read. A `file` of a person is refused"),
});

/** What `DefaultChatTransport` of the AI SDK posts, or the last message alone. Members that are not known here are ignored. */
export const uiRequestSchema = z.looseObject({
  id: z.string().min(1).max(200).describe("The chat, by whatever name the client has for it"),
  messages: z.array(uiMessageSchema).max(MAX_MESSAGES).optional().describe("The whole conversation"),
  message: uiMessageSchema.optional().describe("Instead of `messages`: the last one"),
  trigger: z
    .enum(["submit-message", "regenerate-message"])
    .optional()
    .describe("Default `submit-message`: the last message is added. Else its answer is written anew"),
  messageId: z
    .string()
    .max(200)
    .nullish()
    .describe("The answer that is written anew, or the message that is edited"),
  model: z.string().min(1).max(200).optional().describe("Default: that of `GET /v1/models`"),
});

export type UiMessage = z.infer<typeof uiMessageSchema>;

/** What is asked for, in our words. */
export type UiRequest = { id: string; model?: string; messageId?: string } & (
  | { trigger: "regenerate" }
  | {
      trigger: "submit";
      text: string;
      /** Names the message. */
      last: UiMessage;
      system?: string;
      /** What stands before it: people's words and answers. Absent where only the last message was sent. */
      before?: UiMessage[];
    }
);

/** Reads what was asked for. Errors: `invalid-request` 400, which says what is at fault. */
export function toUiRequest(body: z.infer<typeof uiRequestSchema>): UiRequest {
  const { id, model, messageId, trigger, message } = body;
  const common = { id, ...(model !== undefined && { model }), ...(messageId != null && { messageId }) };
  if (trigger === "regenerate-message") return { ...common, trigger: "regenerate" };
  const messages = message === undefined ? (body.messages ?? []) : [message];
  const last = messages.at(-1);
  if (last === undefined) throw invalid("messages is empty. Send at least the message of the person.");
  if (last.role !== "user")
    throw invalid(`messages: the last one is to be the user's; it is of role ${last.role}.`);
  const file = last.parts.find(({ type }) => type === "file");
  if (file !== undefined) throw invalid("messages: files are not taken here. Send parts of type text.");
  const text = textOf(last);
  if (text.trim() === "") throw invalid("messages: the last one says nothing. Send a part of type text.");
  const system = messages.filter(({ role }) => role === "system").map(textOf);
  const before = messages.slice(0, -1).filter(({ role }) => role !== "system");
  return {
    ...common,
    trigger: "submit",
    text,
    last,
    ...(system.length > 0 && { system: system.join("\n\n") }),
    ...(message === undefined && messages.length > 1 && { before }),
  };
}

/** A conversation that is only known to the client, as a model is told it. */
export function toPrompt(system: string | undefined, messages: readonly UiMessage[]): PromptMessage[] {
  const told: PromptMessage[] = messages
    .map((message) => ({ role: message.role, text: textOf(message) }))
    .filter(({ text }) => text !== "");
  return system === undefined ? told : [{ role: "system", text: system }, ...told];
}

/** The words of a message. What is not known here (files, data, calls of tools) has none. */
function textOf({ parts }: UiMessage): string {
  return parts
    .filter(({ type }) => type === "text")
    .map(({ text = "" }) => text)
    .join("");
}

function invalid(message: string): StreamError {
  return new StreamError("invalid-request", message);
}
