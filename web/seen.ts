import { useEffect, useSyncExternalStore } from "react";
import type { ChatListEntry } from "millrace/client";
import { createKept, useKept } from "./kept.ts";

/** Which answers this browser has shown. All times are the server's: the clock of this machine has no say. */
export interface Seen {
  /** What was written up to then counts as seen. */
  since: number;
  /** Of chats that were shown later: when they had last been written to. */
  chats: Record<string, number>;
}

const kept = createKept("seen");

/** Whether a chat's last answer has ended and was not shown yet. */
export function isUnread({ since, chats }: Seen, chat: ChatListEntry): boolean {
  const isEnded = chat.run === undefined && chat.reason !== undefined;
  return isEnded && chat.updatedAt > (chats[chat.id] ?? since);
}

/** What is seen when these are all chats, and one of them is shown; the same if that changes nothing. Pure. */
export function markSeen(
  seen: Seen | undefined,
  chats: readonly ChatListEntry[],
  shown: string | undefined,
): Seen {
  // Whoever comes for the first time has nothing to catch up with.
  if (seen === undefined)
    return { since: Math.max(0, ...chats.map(({ updatedAt }) => updatedAt)), chats: {} };
  const current = chats.find(({ id }) => id === shown);
  if (current === undefined || !isUnread(seen, current)) return seen;
  const known = chats.filter(({ id }) => (seen.chats[id] ?? 0) > seen.since);
  const rest = Object.fromEntries(known.map(({ id }) => [id, seen.chats[id] ?? 0]));
  return { ...seen, chats: { ...rest, [current.id]: current.updatedAt } };
}

/** The chats with an answer that was not shown yet. The one that is in sight is being seen. */
export function useUnread(
  chats: readonly ChatListEntry[] | undefined,
  shown: string | undefined,
): Set<string> {
  const text = useKept(kept);
  const isInSight = useSyncExternalStore(onVisibility, () => document.visibilityState === "visible");
  const seen = parseSeen(text);
  useEffect(() => {
    if (chats === undefined) return;
    const former = parseSeen(text);
    const next = markSeen(former, chats, isInSight ? shown : undefined);
    if (next !== former) kept.set(JSON.stringify(next));
  }, [chats, shown, isInSight, text]);
  if (chats === undefined || seen === undefined) return new Set();
  const unread = chats.filter((chat) => !(isInSight && chat.id === shown) && isUnread(seen, chat));
  return new Set(unread.map(({ id }) => id));
}

function parseSeen(text: string | undefined): Seen | undefined {
  try {
    const seen: unknown = JSON.parse(text ?? "");
    // It is our own word, which an older page or a curious hand may have written otherwise.
    const { since, chats } = seen as Partial<Seen>;
    return typeof since === "number" && typeof chats === "object" ? { since, chats } : undefined;
  } catch {
    return undefined;
  }
}

function onVisibility(listener: () => void): () => void {
  document.addEventListener("visibilitychange", listener);
  return () => document.removeEventListener("visibilitychange", listener);
}
