import { pathTo, shownPath } from "../protocol/chat-path.ts";
import type { AssistantChatMessage, ChatMessage, ChatState } from "../protocol/chat.ts";
import { StreamError } from "../protocol/error.ts";
import type { PromptMessage } from "./provider.ts";

// What a turn of a conversation is made of, read out of the chat. All pure.

const MAX_MESSAGES = 10_000;
const MAX_TITLE_LENGTH = 60;

/** A message of this role. Errors: `message-unknown` 404. */
export function findMessage(state: ChatState, id: string, role: ChatMessage["role"]): ChatMessage {
  const found = state.messages.find((message) => message.id === id && message.role === role);
  if (found !== undefined) return found;
  throw new StreamError(
    "message-unknown",
    `There is no message ${JSON.stringify(id.slice(0, 60))} of role ${role} in this chat.`,
  );
}

/** An answer, by its name or the last that is shown. Errors: `message-unknown` 404. */
export function findAnswer(state: ChatState, id: string | undefined): AssistantChatMessage {
  const last = shownPath(state.messages).findLast(({ message }) => message.role === "assistant")?.message;
  const found = id === undefined ? last : findMessage(state, id, "assistant");
  if (found?.role === "assistant") return found;
  throw new StreamError("message-unknown", "There is no answer in this chat yet. Send a message first.");
}

/** What a new message answers. Errors: `message-unknown` 404. */
export function parentOf(state: ChatState, parent: string | null | undefined): string | undefined {
  if (parent === null) return undefined;
  if (parent === undefined) return shownPath(state.messages).at(-1)?.message.id;
  if (state.messages.some(({ id }) => id === parent)) return parent;
  throw new StreamError(
    "message-unknown",
    `parent: there is no message ${JSON.stringify(parent.slice(0, 60))} in this chat.`,
  );
}

/** Errors: `chat-full` 409 where so many messages more are too many. */
export function checkRoom(state: ChatState, more: number): void {
  if (state.messages.length + more <= MAX_MESSAGES) return;
  throw new StreamError("chat-full", `A chat has at most ${MAX_MESSAGES} messages. Start another one.`);
}

/** What a model is told: the system prompt, and the branch down to a message. An answer without a word is left out. */
export function toPrompt(state: ChatState, last: string | undefined, system = state.system): PromptMessage[] {
  const path = pathTo(state.messages, last).filter(({ text }) => text !== "");
  const told: PromptMessage[] = path.map(({ role, text }) => ({ role, text }));
  return system === undefined || system === "" ? told : [{ role: "system", text: system }, ...told];
}

/** A chat's first title: the first words that were written into it. */
export function titleOf(text: string): string {
  const line =
    text
      .trim()
      .split(/\s*[\r\n]/, 1)[0]
      ?.replace(/\s+/g, " ") ?? "";
  if (line.length <= MAX_TITLE_LENGTH) return line;
  const cut = line.slice(0, MAX_TITLE_LENGTH + 1);
  const words = cut.slice(0, Math.max(cut.lastIndexOf(" "), 0)) || cut.slice(0, MAX_TITLE_LENGTH);
  return `${words.replace(/[\uD800-\uDBFF]$/, "")}…`;
}
