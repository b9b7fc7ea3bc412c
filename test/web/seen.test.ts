import { expect, test } from "vitest";
import type { ChatListEntry } from "../../src/client/index.ts";
import { isUnread, markSeen } from "../../web/seen.ts";

function chat(id: string, updatedAt: number, more: Partial<ChatListEntry> = {}): ChatListEntry {
  return { id, at: 1, updatedAt, messages: 2, reason: "stop", ...more };
}

test("whoever comes for the first time has nothing unread", () => {
  const chats = [chat("a", 50), chat("b", 20)];
  const seen = markSeen(undefined, chats, undefined);
  expect(seen).toEqual({ since: 50, chats: {} });
  expect(chats.filter((one) => isUnread(seen, one))).toEqual([]);
  expect(markSeen(undefined, [], undefined)).toEqual({ since: 0, chats: {} });
});

test("an answer that ended elsewhere is unread, one that is written or was never asked for is not", () => {
  const seen = { since: 50, chats: { a: 60 } };
  expect(isUnread(seen, chat("a", 60))).toBe(false);
  expect(isUnread(seen, chat("a", 61))).toBe(true);
  expect(isUnread(seen, { ...chat("a", 61), run: "r" })).toBe(false);
  expect(isUnread(seen, chat("b", 51))).toBe(true);
  expect(isUnread(seen, { id: "b", at: 51, updatedAt: 51, messages: 0 })).toBe(false);
});

test("what is shown is seen, and of chats that are gone nothing is kept", () => {
  const seen = { since: 50, chats: { gone: 70, a: 60, old: 40 } };
  const chats = [chat("a", 60), chat("b", 80), chat("old", 40)];
  expect(markSeen(seen, chats, "b")).toEqual({ since: 50, chats: { a: 60, b: 80 } });
  // Nothing changes: nothing is written.
  expect(markSeen(seen, chats, "a")).toBe(seen);
  expect(markSeen(seen, chats, undefined)).toBe(seen);
});
