import { expect, test } from "vitest";
import type { ShownStep } from "../../src/client/index.ts";
import { fileName, toMarkdown } from "../../web/export.ts";

const path: ShownStep[] = [
  { message: { role: "user", id: "u", text: "Why?\n", author: "local", at: 1 }, siblings: ["u"] },
  {
    message: {
      role: "assistant",
      id: "a",
      run: "a",
      model: "guide",
      at: 2,
      text: "Because\n\n- it is",
      end: { reason: "cancelled" },
    },
    siblings: ["a"],
  },
];

test("a chat becomes a document: who said what, what the model was told, and how an answer ended", () => {
  expect(toMarkdown({ title: "A title", system: "Be brief.\nBe kind.", path })).toBe(`# A title

> Be brief.
> Be kind.

## You

Why?

## guide

Because

- it is

*Stopped. The text so far is kept.*
`);
  expect(toMarkdown({ path: [] })).toBe("# New chat\n");
});

test.each([
  ["What is SSE?", "what-is-sse.md"],
  ["../../etc/passwd", "etc-passwd.md"],
  ["Ça va, 你好?", "ça-va-你好.md"],
  ["???", "chat.md"],
  [undefined, "new-chat.md"],
  ["long ".repeat(100), `${"long-".repeat(12).slice(0, -1)}.md`],
])("the file of %s is called %s", (title, name) => {
  expect(fileName(title, "md")).toBe(name);
});
