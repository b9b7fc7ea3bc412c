import { expect, test } from "vitest";
import { isReservedName, parseStreamName, runStream } from "../../src/protocol/names.ts";

test.each(["a", "scores", "tickets/42", "A-z_0.9~", "1/2/3/4/5/6/7/8", "...", "a".repeat(64)])(
  "%j is a name",
  (name) => {
    expect(parseStreamName(name)).toBe(name);
  },
);

test.each([
  "",
  "/",
  "a/",
  "/a",
  "a//b",
  ".",
  "..",
  "a/../b",
  "a b",
  "a%20b",
  "ä",
  "a\n",
  "a\0",
  "1/2/3/4/5/6/7/8/9",
  "a".repeat(65),
  "a".repeat(10_000),
  `${"a".repeat(60)}/`.repeat(4),
])("%j is none", (name) => {
  expect(() => parseStreamName(name)).toThrow(expect.objectContaining({ code: "invalid-name" }));
});

test("the server's own names are reserved, and no others", () => {
  for (const name of ["chats", "chats/1", "runs/x", "people/me/bell", "sys"]) {
    expect(isReservedName(parseStreamName(name))).toBe(true);
  }
  for (const name of ["chat", "runsx", "a/runs", "system"])
    expect(isReservedName(parseStreamName(name))).toBe(false);
  expect(isReservedName(runStream("x"))).toBe(true);
});
