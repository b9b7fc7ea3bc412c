import { describe, expect, test } from "vitest";
import { formatCursor, parseCursor, resolveCursor } from "../../src/protocol/cursor.ts";
import type { StreamRange } from "../../src/protocol/cursor.ts";
import { mergeEntries } from "../../src/protocol/merge.ts";
import { isReservedName, parseStreamName } from "../../src/protocol/names.ts";
import cursors from "../vectors/cursors.json" with { type: "json" };
import merges from "../vectors/merges.json" with { type: "json" };
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

describe("the vectors of names", () => {
  test.each([...names.names, ...names.reserved])("%j is taken", (name) => {
    expect(isReservedName(parseStreamName(name))).toBe(names.reserved.includes(name));
  });

  test.each(names.refused)("%j is refused", (name) => {
    expect(() => parseStreamName(name)).toThrow(expect.objectContaining({ code: "invalid-name" }));
  });
});
