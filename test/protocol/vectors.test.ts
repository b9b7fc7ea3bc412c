import { describe, expect, test } from "vitest";
import { EMPTY_CHAT, foldChat } from "../../src/protocol/chat.ts";
import { formatCursor, parseCursor, resolveCursor } from "../../src/protocol/cursor.ts";
import type { StreamRange } from "../../src/protocol/cursor.ts";
import type { ChatEvent, MessageStart } from "../../src/protocol/event.ts";
import { mergeEntries } from "../../src/protocol/merge.ts";
import { isReservedName, parseStreamName } from "../../src/protocol/names.ts";
import { partsOf } from "../../src/protocol/part.ts";
import { foldRun } from "../../src/protocol/run.ts";
import cursors from "../vectors/cursors.json" with { type: "json" };
import merges from "../vectors/merges.json" with { type: "json" };
import parts from "../vectors/parts.json" with { type: "json" };
import names from "../vectors/names.json" with { type: "json" };

describe("the vectors of cursors", () => {
  test.each(cursors.texts)("$text is read as it says", ({ text, cursor }) => {
    expect(parseCursor(text)).toEqual(cursor);
    if (cursor !== undefined) expect(formatCursor(cursor)).toBe(text);
  });

  test.each(cursors.resolutions)("$text goes on as it says", ({ text, resumption }) => {
    const range: StreamRange = cursors.range;
    const cursor = parseCursor(text);
    expect(cursor && resolveCursor(range, cursor)).toEqual(resumption);
  });
});

test.each(merges)("the vectors of merges: $name", ({ entries, merged }) => {
  expect(mergeEntries(entries)).toEqual(merged);
});

describe("the vectors of parts", () => {
  test.each(parts)("$name", ({ events, message }) => {
    const start: MessageStart = { type: "message-start", message: "m", run: "r", model: "x", at: 1 };
    const all = [start, ...(events as ChatEvent[])]; // those of no known type, too, as a later server would send them
    const entries = all.map((event, index) => ({ offset: index + 1, event }));
    const whole = foldChat(EMPTY_CHAT, entries).messages[0];
    const head = { role: "assistant", id: "m", run: "r", model: "x", at: 1 };
    expect(whole).toEqual({ ...head, ...message });
    const oneByOne = entries.reduce((state, entry) => foldChat(state, [entry]), EMPTY_CHAT);
    expect(oneByOne.messages[0]).toEqual(whole);
    const texts = entries.map(({ offset, event }) => ({
      offset,
      span: 1,
      at: 1,
      data: JSON.stringify(event),
    }));
    for (const page of [texts, mergeEntries(texts)]) {
      const state = foldRun(page);
      expect(state).toEqual({ run: "r", model: "x", status: "open", at: 1, ...message });
      expect(partsOf(state)).toEqual(whole?.role === "assistant" && partsOf(whole));
    }
  });

  test("a fold leaves the former chat as it was", () => {
    const start: MessageStart = { type: "message-start", message: "m", run: "r", model: "x", at: 1 };
    for (const { events } of parts) {
      let state = foldChat(EMPTY_CHAT, [{ offset: 1, event: start }]);
      for (const [index, event] of (events as ChatEvent[]).entries()) {
        const before = structuredClone(state);
        const next = foldChat(state, [{ offset: index + 2, event }]);
        expect(state).toEqual(before);
        state = next;
      }
    }
  });
});

describe("the vectors of names", () => {
  test.each([...names.names, ...names.reserved])("%j is taken", (name) => {
    expect(isReservedName(parseStreamName(name))).toBe(names.reserved.includes(name));
  });

  test.each(names.refused)("%j is refused", (name) => {
    expect(() => parseStreamName(name)).toThrow(expect.objectContaining({ code: "invalid-name" }));
  });
});
