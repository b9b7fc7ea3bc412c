import MiniSearch from "minisearch";
import type { Log } from "../log/log.ts";
import type { ChatState } from "../protocol/chat.ts";
import { chatListStream } from "../protocol/names.ts";
import type { ChatReader } from "./chat-reader.ts";

/** Finds chats by what stands in their titles and texts. */
export interface ChatSearch {
  /** Best first, at most 20. All words must be there; the last letters of a word may be missing. */
  find(owner: string, words: string): Promise<ChatHit[]>;
}

export interface ChatHit {
  chat: string;
  title?: string;
  /** Where the words stand, about 120 characters; absent where only the title has them. */
  snippet?: string;
  message?: string;
  updatedAt: number;
}

interface Index {
  chats: MiniSearch<{ id: string; title: string; text: string }>;
  /** How far the owner's list was read. */
  after: number;
}

const MAX_HITS = 20;
/** What is searched of one chat, in characters: its newest texts. */
const MAX_TEXT_LENGTH = 200_000;
const MAX_OWNERS = 50;
const TURN_MS = 8;

/** Made at the first search, from the owner's chats; later ones take in what has changed since. */
export function createChatSearch(log: Log, reader: ChatReader): ChatSearch {
  const indexes = new Map<string, Index>();
  let refreshing: Promise<unknown> = Promise.resolve();

  async function refresh(owner: string): Promise<Index> {
    const index = indexes.get(owner) ?? { chats: createIndex(), after: 0 };
    indexes.delete(owner);
    indexes.set(owner, index);
    for (const other of indexes.keys()) {
      if (indexes.size <= MAX_OWNERS) break;
      indexes.delete(other);
    }
    let begun = performance.now();
    for (;;) {
      const page = await log.read(chatListStream(owner), index.after);
      if (page.status === "trimmed") index.after = 0;
      if (page.status === "trimmed") continue;
      // A backup was put in its place.
      const isBehind = page.status === "page" && page.info.head < index.after;
      if (isBehind) index.after = 0;
      if (isBehind) continue;
      if (page.status === "missing" || page.entries.length === 0) return index;
      for (const { offset, data } of page.entries) {
        const { key, deleted } = JSON.parse(data) as { key: string; deleted?: boolean }; // written by the list
        if (index.chats.has(key)) index.chats.discard(key);
        const read = deleted === true ? undefined : await reader.read(key);
        if (read !== undefined) {
          index.chats.add({ id: key, title: read.state.title ?? "", text: textOf(read.state) });
        }
        index.after = offset;
        if (performance.now() - begun < TURN_MS) continue;
        // Others have their turn while many chats are read.
        await new Promise((resolve) => setTimeout(resolve, 0));
        begun = performance.now();
      }
    }
  }

  return {
    async find(owner, words) {
      // One at a time: two that read the same list would add a chat twice.
      const refreshed = refreshing.then(() => refresh(owner));
      refreshing = refreshed.catch(() => undefined);
      const { chats } = await refreshed;
      const hits: ChatHit[] = [];
      for (const { id, terms } of chats.search(words).slice(0, MAX_HITS)) {
        const read = await reader.read(String(id));
        if (read !== undefined) hits.push(describe(String(id), read.state, terms));
      }
      return hits;
    },
  };
}

function createIndex(): Index["chats"] {
  return new MiniSearch({
    fields: ["title", "text"],
    searchOptions: { boost: { title: 3 }, prefix: true, combineWith: "AND" },
  });
}

function textOf({ messages }: ChatState): string {
  let text = "";
  for (let index = messages.length - 1; index >= 0 && text.length < MAX_TEXT_LENGTH; index--) {
    text = `${messages[index]?.text.slice(0, MAX_TEXT_LENGTH) ?? ""}\n${text}`;
  }
  return text;
}

function describe(
  chat: string,
  { title, messages, updatedAt }: ChatState,
  terms: readonly string[],
): ChatHit {
  const hit: ChatHit = { chat, updatedAt };
  if (title !== undefined) hit.title = title;
  for (const message of messages.toReversed()) {
    const lower = message.text.toLowerCase();
    const at = Math.max(...terms.map((term) => lower.indexOf(term)));
    if (at === -1) continue;
    const from = Math.max(0, at - 40);
    const part = message.text
      .slice(from, at + 80)
      .replace(/\s+/g, " ")
      .trim();
    hit.snippet = `${from > 0 ? "…" : ""}${part}${at + 80 < message.text.length ? "…" : ""}`;
    hit.message = message.id;
    break;
  }
  return hit;
}
