import type { Log } from "../log/log.ts";
import { EMPTY_CHAT, foldChat } from "../protocol/chat.ts";
import type { ChatState } from "../protocol/chat.ts";
import { cursorAt, formatCursor, resolveCursor } from "../protocol/cursor.ts";
import type { ChatEvent } from "../protocol/event.ts";
import { chatStream } from "../protocol/names.ts";

/** Chats as they stand in the log, folded. */
export interface ChatReader {
  /** A chat with the cursor of the last event in it; undefined if there is none. */
  read(chat: string): Promise<ReadChat | undefined>;
  /** Keeps a chat folded no longer. */
  forget(chat: string): void;
}

export interface ReadChat {
  state: ChatState;
  cursor: string;
}

/** What is kept folded, in characters of text: the chats that were used last. */
const MAX_KEPT_LENGTH = 32 * 1_048_576;
const MAX_KEPT_CHATS = 1_000;
const PAGE_LENGTH = 1_048_576;

export function createChatReader(log: Log): ChatReader {
  /** Least lately used first. */
  const kept = new Map<string, { state: ChatState; epoch: string; length: number }>();
  let keptLength = 0;

  function forget(chat: string): void {
    keptLength -= kept.get(chat)?.length ?? 0;
    kept.delete(chat);
  }

  function keep(chat: string, state: ChatState, epoch: string): void {
    forget(chat);
    const length = state.messages.reduce((sum, message) => sum + message.text.length, 0);
    kept.set(chat, { state, epoch, length });
    keptLength += length;
    for (const oldest of kept.keys()) {
      if (keptLength <= MAX_KEPT_LENGTH && kept.size <= MAX_KEPT_CHATS) return;
      forget(oldest);
    }
  }

  return {
    forget,
    async read(chat) {
      let state = kept.get(chat)?.state ?? EMPTY_CHAT;
      for (;;) {
        const page = await log.read(chatStream(chat), state.offset, { maxLength: PAGE_LENGTH });
        if (page.status !== "page") {
          forget(chat);
          return undefined;
        }
        const known = kept.get(chat);
        const place = known && { epoch: known.epoch, offset: known.state.offset };
        if (place !== undefined && resolveCursor(page.info, place).status === "reset") {
          // It was deleted and made again, or the log has lost what was folded.
          forget(chat);
          state = EMPTY_CHAT;
          continue;
        }
        const entries = page.entries.map(({ offset, data }) => ({
          offset,
          event: JSON.parse(data) as ChatEvent, // only the server writes chats
        }));
        state = foldChat(state, entries);
        if (entries.length > 0 && state.offset < page.info.head) continue;
        const cursor = cursorAt(page.info.epochs, state.offset);
        keep(chat, state, cursor.epoch);
        return { state, cursor: formatCursor(cursor) };
      }
    },
  };
}
