import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY_CHAT, foldChat } from "../../src/protocol/chat.ts";
import type { ChatEntry, ChatState, UserChatMessage } from "../../src/protocol/chat.ts";
import { pathTo, shownPath } from "../../src/protocol/chat-path.ts";
import type { ChatEvent } from "../../src/protocol/event.ts";
import { mergeEntries } from "../../src/protocol/merge.ts";

/** A chat as the server would write it: turns, each answered, stopped, regenerated, continued or edited. */
const chat = fc
  .array(
    fc.record({
      turn: fc.constantFrom("send", "regenerate", "continue", "edit", "title"),
      texts: fc.array(fc.tuple(fc.boolean(), fc.string({ maxLength: 6 })), { maxLength: 8 }),
      reason: fc.constantFrom("stop", "length", "cancelled", "interrupted", "error" as const),
    }),
    { minLength: 1, maxLength: 8 },
  )
  .map((turns) => {
    const events: ChatEvent[] = [{ type: "chat-update", owner: "local", at: 1 }];
    let user: string | undefined;
    let answer: string | undefined;
    for (const [index, { turn, texts, reason }] of turns.entries()) {
      const at = index + 2;
      if (turn === "title") events.push({ type: "chat-update", title: `t${index}`, at });
      if (turn === "title") continue;
      const run = `r${index}`;
      if (turn === "continue" && answer !== undefined) {
        events.push({ type: "message-continue", message: answer, run, model: "m", at });
      } else {
        if (turn !== "regenerate" || user === undefined) {
          const parent = turn === "edit" ? undefined : answer;
          user = `u${index}`;
          const written = {
            type: "user-message",
            message: user,
            text: `said ${index}`,
            author: "local",
            at,
          } as const;
          events.push(parent === undefined ? written : { ...written, parent });
        }
        answer = run;
        events.push({ type: "message-start", message: run, parent: user, run, model: "m", at });
      }
      for (const [isText, text] of texts) {
        const type = isText ? "text-delta" : "reasoning-delta";
        events.push({ type, message: answer, text: `${text}.` });
        if (text.length !== 1) continue;
        const call = `${run}_${text}`;
        events.push({ type: "tool-input-start", message: answer, call, tool: "weather" });
        for (const piece of ["{", "}"])
          events.push({ type: "tool-input-delta", message: answer, call, text: piece });
        events.push({ type: "tool-input-end", message: answer, call, input: {} });
        if (isText) events.push({ type: "tool-output-end", message: answer, call, output: text });
        events.push({ type: "step-start", message: answer });
      }
      events.push({ type: "message-end", message: answer, run, reason });
    }
    return events.map((event, index): ChatEntry => ({ offset: index + 1, event }));
  });

function fold(entries: readonly ChatEntry[], state: ChatState = EMPTY_CHAT): ChatState {
  return foldChat(state, entries);
}

/** Merges as the log does, from a cursor on. */
function merged(entries: readonly ChatEntry[], after: number): ChatEntry[] {
  const raw = entries
    .filter(({ offset }) => offset > after)
    .map(({ offset, event }) => ({ offset, span: 1, at: 0, data: JSON.stringify(event) }));
  return mergeEntries(raw).map(({ offset, data }) => ({ offset, event: JSON.parse(data) as ChatEvent }));
}

test("twice equals once, in one batch and in two", () => {
  fc.assert(
    fc.property(chat, fc.nat(), (entries, seed) => {
      const once = fold(entries);
      expect(fold(entries, once)).toEqual(once);
      const again = seed % (entries.length + 1);
      expect(fold([...entries, ...entries.slice(0, again)])).toEqual(once);
      expect(fold([...entries.slice(0, again), ...entries])).toEqual(once);
    }),
  );
});

test("cut anywhere equals uncut", () => {
  fc.assert(
    fc.property(chat, fc.array(fc.nat({ max: 60 }), { maxLength: 5 }), (entries, cuts) => {
      const once = fold(entries);
      let state = EMPTY_CHAT;
      let from = 0;
      for (const cut of [...cuts, entries.length].sort((a, b) => a - b)) {
        // What comes after a cut overlaps what was there before it.
        state = fold(entries.slice(Math.max(0, from - 3), cut), state);
        from = Math.min(cut, entries.length);
      }
      expect(state).toEqual(once);
    }),
  );
});

test("merged equals unmerged, from any cursor", () => {
  fc.assert(
    fc.property(chat, fc.nat({ max: 60 }), (entries, given) => {
      const after = given % (entries.length + 1);
      const before = fold(entries.slice(0, after));
      expect(fold(merged(entries, after), before)).toEqual(fold(entries));
    }),
  );
});

test("a fold never changes what it was given", () => {
  fc.assert(
    fc.property(chat, fc.nat({ max: 60 }), (entries, given) => {
      const before = fold(entries.slice(0, given % (entries.length + 1)));
      const copy = structuredClone(before);
      fold(entries, before);
      expect(before).toEqual(copy);
    }),
  );
});

test("messages that did not change keep their identity, and nothing new is the same chat", () => {
  const entries: ChatEntry[] = [
    { offset: 1, event: { type: "user-message", message: "u", text: "hi", author: "local", at: 1 } },
    { offset: 2, event: { type: "message-start", message: "a", parent: "u", run: "a", model: "m", at: 2 } },
  ];
  const first = fold(entries);
  const second = fold([{ offset: 3, event: { type: "text-delta", message: "a", text: "x" } }], first);
  expect(second.messages[0]).toBe(first.messages[0]);
  expect(second.messages[1]).not.toBe(first.messages[1]);
  expect(fold(entries, second)).toBe(second);
});

test("says what runs, and no more once it has ended", () => {
  const start: ChatEntry = {
    offset: 1,
    event: { type: "message-start", message: "a", run: "r", model: "m", at: 2 },
  };
  const open = fold([start]);
  expect(open.run).toEqual({ run: "r", message: "a" });
  const end = { type: "message-end", message: "a", run: "r", reason: "cancelled" } as const;
  const ended = fold([{ offset: 2, event: end }], open);
  expect(ended.run).toBeUndefined();
  expect(ended.messages[0]).toMatchObject({ end: { reason: "cancelled" } });
  const reopened = fold(
    [{ offset: 3, event: { type: "message-continue", message: "a", run: "s", model: "m", at: 3 } }],
    ended,
  );
  expect(reopened.messages[0]).not.toHaveProperty("end");
  expect(reopened.run).toEqual({ run: "s", message: "a" });
});

test("passes over an event that it does not know, and counts it as read", () => {
  const event = { type: "tool-call", message: "a" } as unknown as ChatEvent;
  expect(fold([{ offset: 1, event }])).toEqual({ ...EMPTY_CHAT, offset: 1 });
});

test("a deletion can be taken back, and an empty system prompt is none", () => {
  const deleted = fold([
    { offset: 1, event: { type: "chat-update", owner: "local", system: "be brief", at: 5 } },
    { offset: 2, event: { type: "chat-update", deletedAt: 9, at: 9 } },
  ]);
  expect(deleted).toMatchObject({ owner: "local", system: "be brief", at: 5, updatedAt: 5, deletedAt: 9 });
  const restored = fold(
    [{ offset: 3, event: { type: "chat-update", deletedAt: null, system: "", at: 10 } }],
    deleted,
  );
  expect(restored).not.toHaveProperty("deletedAt");
  expect(restored).not.toHaveProperty("system");
});

test("shows the newest branch, or the one that was chosen, and tells the others", () => {
  const messages = [message("a"), message("b", "a"), message("c", "b"), message("d", "a"), message("e", "d")];
  const shown = shownPath(messages).map((step) => step.message.id);
  expect(shown).toEqual(["a", "d", "e"]);
  expect(shownPath(messages)[1]?.siblings).toEqual(["b", "d"]);
  const chosen = shownPath(messages, new Map([["a", "b"]]));
  expect(chosen.map((step) => step.message.id)).toEqual(["a", "b", "c"]);
  expect(pathTo(messages, "c").map(({ id }) => id)).toEqual(["a", "b", "c"]);
  expect(pathTo(messages, "nothing")).toEqual([]);
});

function message(id: string, parent?: string): UserChatMessage {
  const said: UserChatMessage = { role: "user", id, text: id, author: "local", at: 1 };
  return parent === undefined ? said : { ...said, parent };
}
