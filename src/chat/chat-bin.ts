import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import { chatStream, parseStreamName } from "../protocol/names.ts";

/** Deleted chats until they are gone for good. It stands in the log, so a restart forgets none. */
export interface ChatBin {
  put(chat: string): Promise<void>;
  take(chat: string): Promise<void>;
  /** After a start: goes on with what a former process had begun. */
  recover(): Promise<void>;
  close(): void;
}

/** How long a deletion can be undone. */
const UNDO_MS = 30_000;
const RETRY_MS = 5_000;
const BIN = parseStreamName("sys/deleted-chats");

export interface ChatBinOptions {
  now: () => number;
  /** Whether a chat is deleted as its stream has it, which is what counts. */
  isDeleted: (chat: string) => Promise<boolean>;
  /** It is gone for good. */
  onGone: (chat: string) => void;
}

export function createChatBin(log: Log, { now, isDeleted, onGone }: ChatBinOptions): ChatBin {
  const timers = new Map<string, ReturnType<typeof setTimeout>>();

  async function write(chat: string, entry: { at: number } | { deleted: true }): Promise<void> {
    const data = JSON.stringify({ key: chat, ...entry });
    const isDeleted = "deleted" in entry;
    await log.append(BIN, [{ data, key: chat, isDeleted }], { create: { kind: "state" } });
  }

  function empty(chat: string, afterMs: number): void {
    clearTimeout(timers.get(chat));
    const timer = setTimeout(() => {
      timers.delete(chat);
      void remove(chat).catch((error: unknown) => {
        if (!(error instanceof StreamError)) throw error;
        empty(chat, RETRY_MS);
      });
    }, afterMs);
    if (typeof timer === "object") timer.unref();
    timers.set(chat, timer);
  }

  async function remove(chat: string): Promise<void> {
    if (await isDeleted(chat)) {
      await log.delete(chatStream(chat));
      onGone(chat);
    }
    await write(chat, { deleted: true });
  }

  return {
    async put(chat) {
      await write(chat, { at: now() });
      empty(chat, UNDO_MS);
    },
    async take(chat) {
      clearTimeout(timers.get(chat));
      timers.delete(chat);
      await write(chat, { deleted: true });
    },
    async recover() {
      for (let after = 0; ;) {
        const page = await log.read(BIN, after);
        if (page.status !== "page" || page.entries.length === 0) return;
        for (const { offset, data } of page.entries) {
          after = offset;
          const { key, at } = JSON.parse(data) as { key: string; at?: number }; // written above
          if (at !== undefined) empty(key, Math.max(0, at + UNDO_MS - now()));
        }
      }
    },
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
