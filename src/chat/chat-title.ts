import type { Log } from "../log/log.ts";
import type { AssistantChatMessage, ChatState } from "../protocol/chat.ts";
import { StreamError } from "../protocol/error.ts";
import type { ChatUpdate } from "../protocol/event.ts";
import { chatStream } from "../protocol/names.ts";
import type { ChatReader } from "./chat-reader.ts";
import type { ModelRegistry } from "./models.ts";
import { shortenTitle, tidyTitle, titleOf } from "./title-text.ts";

/** What chats are called. A chat has the first words that were written into it for a title until its first answer has ended,
 *  and is then named by both. A title that a person gives stands: the log itself refuses ours after it. */
export interface ChatTitles {
  /** A person names a chat. Done: committed. */
  give(chat: string, update: ChatUpdate): Promise<void>;
  /** An answer has ended: if it is a chat's first, the chat is named by it. Nobody has to wait for it. */
  afterAnswer(chat: string): Promise<void>;
  /** The chat goes on: a model that is still being asked is let go, and the first words stay. */
  letGo(chat: string): void;
  close(): void;
}

export interface ChatTitlesOptions {
  log: Log;
  reader: ChatReader;
  /** Whose models may be asked for a title: a short call each. Absent: none is asked. */
  models?: ModelRegistry | undefined;
  now: () => number;
  /** A chat has got another title. */
  onTitle: (chat: string) => void;
}

/** Whoever names a chat first ends this writer, in the same commit. */
export const TITLE_WRITER = "title";

const INSTRUCTION =
  "Give the conversation a title of at most six words, in the language of the question. Answer with the title alone.";
/** What a model is told of the question, and of the answer, in characters. */
const MAX_TOLD = 1_000;
const MAX_TOKENS = 60;
const LIMIT_MS = 15_000;
/** Models that are asked at a time: beyond it the first words stay. */
const MAX_ASKED = 32;

export function createChatTitles({ log, reader, models, now, onTitle }: ChatTitlesOptions): ChatTitles {
  const asked = new Map<string, AbortController>();

  /** False: the chat has a title that nobody may replace. */
  async function settle(chat: string, update: ChatUpdate): Promise<boolean> {
    const events = [{ data: JSON.stringify(update) }];
    const outcome = await log.append(chatStream(chat), events, { endsWriter: TITLE_WRITER });
    return outcome.status === "appended";
  }

  /** Undefined: it has none to offer, or nobody may ask it. */
  async function ask(chat: string, { question, answer }: Exchange): Promise<string | undefined> {
    const found = await models?.find(answer.model);
    if (found?.provider.writesTitles !== true || asked.size >= MAX_ASKED) return undefined;
    const abort = new AbortController();
    asked.set(chat, abort);
    const told = `Question:\n${question.slice(0, MAX_TOLD)}\n\nAnswer:\n${answer.text.slice(0, MAX_TOLD)}`;
    const messages = [
      { role: "system", text: INSTRUCTION },
      { role: "user", text: told },
    ] as const;
    let text = "";
    try {
      const signal = AbortSignal.any([abort.signal, AbortSignal.timeout(LIMIT_MS)]);
      const request = { model: found.model, messages, maxTokens: MAX_TOKENS };
      for await (const event of found.provider.generate(request, signal)) {
        if (event.type === "text") text += event.text;
        if (text.length > MAX_TOLD) break;
      }
      return tidyTitle(text);
    } catch {
      return undefined; // Refused, failed, too slow or let go: the chat has its first words.
    } finally {
      asked.delete(chat);
    }
  }

  async function name(chat: string): Promise<void> {
    const read = await reader.read(chat);
    const exchange = read && firstExchange(read.state);
    if (exchange === undefined) return;
    const title = (await ask(chat, exchange)) ?? shortenTitle(exchange.question, exchange.answer.text);
    if (title === undefined || title === exchange.title) return;
    if (await settle(chat, { type: "chat-update", title, at: now() })) onTitle(chat);
  }

  return {
    async give(chat, update) {
      if (await settle(chat, update)) return;
      // It has been named before: the last name counts.
      await log.append(chatStream(chat), [{ data: JSON.stringify(update) }]);
    },
    async afterAnswer(chat) {
      try {
        await name(chat);
      } catch (error) {
        // A log that is away leaves the chat with its first words, which are a title, too.
        if (!(error instanceof StreamError)) throw error;
      }
    },
    letGo: (chat) => asked.get(chat)?.abort(),
    close() {
      for (const abort of asked.values()) abort.abort();
    },
  };
}

interface Exchange {
  title: string;
  question: string;
  answer: AssistantChatMessage;
}

/** A chat's first question with its whole answer, as long as there is nothing else and its title is still the first words. */
function firstExchange({ title, messages }: ChatState): Exchange | undefined {
  const [user, answer, ...more] = messages;
  if (user?.role !== "user" || answer?.role !== "assistant" || more.length > 0) return undefined;
  const isWhole = answer.end?.reason === "stop" || answer.end?.reason === "length";
  if (!isWhole || title === undefined || title !== titleOf(user.text)) return undefined;
  return { title, question: user.text, answer };
}
