import { pathTo, shownPath } from "../protocol/chat-path.ts";
import type { AssistantChatMessage, ChatMessage, ChatState } from "../protocol/chat.ts";
import { StreamError } from "../protocol/error.ts";
import { partsOf } from "../protocol/part.ts";
import type { ToolPart } from "../protocol/part.ts";
import type { PromptCall, PromptMessage } from "./provider.ts";
import { deniedText } from "./tool-calls.ts";

// What a turn of a conversation is made of, read out of the chat. All pure.

const MAX_MESSAGES = 10_000;

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

/** A call of a tool, by its name. Errors: `call-unknown` 404. */
export function findCall(state: ChatState, call: string): { message: AssistantChatMessage; part: ToolPart } {
  for (const message of state.messages.toReversed()) {
    if (message.role !== "assistant") continue;
    const part = message.parts?.find((one) => one.type === "tool" && one.call === call);
    if (part?.type === "tool") return { message, part };
  }
  throw new StreamError(
    "call-unknown",
    `There is no call ${JSON.stringify(call.slice(0, 60))} in this chat.`,
  );
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
  const told = pathTo(state.messages, last).flatMap((message): PromptMessage[] => {
    if (message.role === "assistant") return answerMessages(message);
    return message.text === "" ? [] : [{ role: "user", text: message.text }];
  });
  return system === undefined || system === "" ? told : [{ role: "system", text: system }, ...told];
}

/** An answer as a model is told of it: for each step what it said and called, and then what came of that. */
function answerMessages(answer: AssistantChatMessage): PromptMessage[] {
  const told: PromptMessage[] = [];
  let text = "";
  let calls: PromptCall[] = [];
  let results: PromptMessage[] = [];
  const endStep = () => {
    if (calls.length > 0) told.push({ role: "assistant", text, calls }, ...results);
    else if (text !== "") told.push({ role: "assistant", text });
    text = "";
    calls = [];
    results = [];
  };
  for (const part of partsOf(answer)) {
    if (part.type === "text") {
      // What is said after a call belongs to the next step, should that not have been said.
      if (calls.length > 0) endStep();
      text += part.text;
    } else if (part.type === "step-start") endStep();
    else if (part.type === "tool" && part.executor !== "provider") {
      const { call, tool, input, inputText = "", providerMetadata } = part;
      const json = typeof input === "string" ? input : JSON.stringify(input ?? inputText);
      calls.push({ call, tool, input: json, ...(providerMetadata !== undefined && { providerMetadata }) });
      results.push({ role: "tool", call, tool, ...resultOf(part) });
    }
  }
  endStep();
  return told;
}

/** How an answer is gone on with: what comes before its last text, and that text. */
export function continuationOf(answer: AssistantChatMessage): { messages: PromptMessage[]; tail: string } {
  const messages = answerMessages(answer);
  const last = messages.at(-1);
  if (last?.role !== "assistant") return { messages, tail: "" };
  return { messages: messages.slice(0, -1), tail: last.text };
}

function resultOf({ state, output, error, reason, approved }: ToolPart): { text: string; isError?: boolean } {
  if (state === "output-end") return { text: typeof output === "string" ? output : JSON.stringify(output) };
  if (error !== undefined) return { text: error.message, isError: true };
  if (approved === false) return { text: deniedText(reason), isError: true };
  return {
    text: "The answer was stopped before this call was done. Whether it took effect is not known.",
    isError: true,
  };
}
