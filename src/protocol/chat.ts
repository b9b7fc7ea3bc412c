import type { ChatEvent, MessageEnd } from "./event.ts";
import { addPart } from "./part.ts";
import type { MessagePart } from "./part.ts";

/** A chat: what the events of its stream amount to. Never changed; a fold gives another one that shares what is the same. */
export interface ChatState {
  /** The offset of the last event in it: what is not after it is ignored. */
  offset: number;
  owner: string;
  title?: string;
  system?: string;
  /** When it was made, and when it was last written to, in Unix milliseconds. */
  at: number;
  updatedAt: number;
  deletedAt?: number;
  /** In the order of their starts; `parent` makes them a tree. */
  messages: readonly ChatMessage[];
  /** The run that is open. */
  run?: { run: string; message: string };
}

export type ChatMessage = UserChatMessage | AssistantChatMessage;

export interface UserChatMessage {
  role: "user";
  id: string;
  parent?: string;
  text: string;
  author: string;
  at: number;
}

export interface AssistantChatMessage {
  role: "assistant";
  id: string;
  parent?: string;
  /** The run that wrote it last. */
  run: string;
  model: string;
  at: number;
  /** All its texts, joined, and all its reasoning. */
  text: string;
  reasoning?: string;
  /** What it consists of, in order. Absent while that is nothing but its reasoning and then its text: see `partsOf`. */
  parts?: MessagePart[];
  /** Absent while it is being written. */
  end?: ChatMessageEnd;
}

/** How a message ended: its `message-end` without what the message says itself. */
export type ChatMessageEnd = Omit<MessageEnd, "type" | "message" | "run">;

/** An event with the offset of the last of the events that it stands for. */
export interface ChatEntry {
  offset: number;
  event: ChatEvent;
}

/** A chat of which nothing was read. */
export const EMPTY_CHAT: ChatState = { offset: 0, owner: "", at: 0, updatedAt: 0, messages: [] };

/** Folds events into a chat. Pure: server and client fold the same events to the same chat.
 *  Law:   an entry whose offset is not after the chat's changes nothing, so twice equals once; merged deltas equal their
 *         parts; an event of a type that is not known is passed over.
 *  Source: PROTOCOL.md "Events of a chat". */
export function foldChat(state: ChatState, entries: readonly ChatEntry[]): ChatState {
  const fresh = entries.filter(({ offset }) => offset > state.offset);
  if (fresh.length === 0) return state;
  const chat = new Draft(state);
  for (const { offset, event } of fresh) {
    // Within the batch, too, twice equals once.
    if (offset <= chat.state.offset) continue;
    chat.apply(event);
    chat.state.offset = offset;
  }
  return chat.state;
}

/** A chat under change: each message is copied once. */
class Draft {
  readonly state: ChatState & { messages: ChatMessage[] };
  readonly #copied = new Set<ChatMessage>();

  constructor(state: ChatState) {
    this.state = { ...state, messages: [...state.messages] };
  }

  apply(event: ChatEvent): void {
    const { state } = this;
    switch (event.type) {
      case "chat-update": {
        const { type: _, at, deletedAt, ...rest } = event;
        if (state.at === 0) state.at = state.updatedAt = at;
        Object.assign(state, rest);
        if (typeof deletedAt === "number") state.deletedAt = deletedAt;
        else if (deletedAt === null) delete state.deletedAt;
        if (state.system === "") delete state.system;
        return;
      }
      case "user-message": {
        const { type: _, message: id, ...rest } = event;
        this.#add({ role: "user", id, ...rest });
        state.updatedAt = event.at;
        return;
      }
      case "message-start": {
        const { type: _, message: id, prompt: __, ...rest } = event;
        this.#add({ role: "assistant", id, ...rest, text: "" });
        state.run = { run: event.run, message: id };
        state.updatedAt = event.at;
        return;
      }
      case "message-continue": {
        const message = this.#edit(event.message);
        if (message === undefined) return;
        message.run = event.run;
        message.model = event.model;
        delete message.end;
        state.run = { run: event.run, message: event.message };
        state.updatedAt = event.at;
        return;
      }
      case "message-end": {
        const { type: _, message: id, run, ...end } = event;
        const message = this.#edit(id);
        if (message !== undefined) message.end = end;
        if (state.run?.run === run) delete state.run;
        return;
      }
      default: {
        const message = this.#edit(event.message);
        if (message !== undefined) addPart(message, event);
      }
    }
  }

  #add(message: ChatMessage): void {
    this.#copied.add(message);
    this.state.messages.push(message);
  }

  /** A message that may be changed. The one that is written stands at the end, or near it. */
  #edit(id: string): AssistantChatMessage | undefined {
    const { messages } = this.state;
    const index = messages.findLastIndex((message) => message.id === id);
    const message = messages[index];
    if (message?.role !== "assistant") return undefined;
    if (this.#copied.has(message)) return message;
    const copy = message.parts === undefined ? { ...message } : { ...message, parts: [...message.parts] };
    this.#copied.add(copy);
    messages[index] = copy;
    return copy;
  }
}
