import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import { chatListStream } from "../protocol/names.ts";
import type { ChatReader } from "./chat-reader.ts";

/** The live list of each person's chats: a state stream, one entry per chat. It follows from the chats, and is written after
 *  them: what a crash leaves behind is put right at the next change. */
export interface ChatList {
  /** Writes what the list says of a chat. Errors: `too-many-keys` 409, those of the log. */
  publish(chat: string): Promise<void>;
  /** The same, tried again until the log takes it. */
  publishSoon(chat: string): void;
  close(): void;
}

const RETRY_MS = 1_000;

export function createChatList(log: Log, reader: ChatReader): ChatList {
  /** The last word on each chat, so that a later one is written later. */
  const last = new Map<string, Promise<void>>();
  const timers = new Map<string, ReturnType<typeof setTimeout>>();
  let isClosed = false;

  async function write(chat: string): Promise<void> {
    const read = await reader.read(chat);
    if (read === undefined) return;
    const { owner, title, at, updatedAt, deletedAt, messages, run } = read.state;
    const isDeleted = deletedAt !== undefined;
    const end = messages.findLast((message) => message.role === "assistant")?.end;
    const entry = isDeleted
      ? { key: chat, deleted: true }
      : {
          type: "chat",
          key: chat,
          title,
          at,
          updatedAt,
          messages: messages.length,
          run: run?.run,
          reason: run === undefined ? end?.reason : undefined,
        };
    await log.append(chatListStream(owner), [{ data: JSON.stringify(entry), key: chat, isDeleted }], {
      create: { kind: "state" },
    });
  }

  function publish(chat: string): Promise<void> {
    const writing = (last.get(chat) ?? Promise.resolve()).catch(() => undefined).then(() => write(chat));
    last.set(chat, writing);
    const forget = () => {
      if (last.get(chat) === writing) last.delete(chat);
    };
    writing.then(forget, forget);
    return writing;
  }

  function publishSoon(chat: string): void {
    publish(chat).catch((error: unknown) => {
      if (!(error instanceof StreamError)) throw error;
      if (isClosed || !error.isRetryable || timers.has(chat)) return;
      const timer = setTimeout(() => {
        timers.delete(chat);
        publishSoon(chat);
      }, RETRY_MS);
      timers.set(chat, timer);
    });
  }

  return {
    publish,
    publishSoon,
    close() {
      isClosed = true;
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
