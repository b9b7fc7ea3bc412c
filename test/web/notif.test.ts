import "../support/dom.ts";
import { expect, test } from "vitest";
import { readNotice, sayCount } from "../../web/notif.ts";

Object.assign(globalThis, { location: new URL("http://here.example/live") });

test("what was published as meant is shown as it is", () => {
  const event = { title: "Build 42 failed", text: "2 tests", topic: "builds", at: 7, href: "/c/abc?x=1" };
  expect(readNotice(event)).toEqual({ ...event, href: "http://here.example/c/abc?x=1" });
});

test.each([{}, { title: 7 }, { title: " " }, { what: "odd" }])(
  "%j has no title, and is shown as it came",
  (event) => {
    expect(readNotice(event)).toEqual({ title: "Without a title", text: JSON.stringify(event) });
  },
);

test.each(["javascript:alert(1)", "data:text/html,x", "http://[", 7])(
  "%s is no place to be led to",
  (href) => {
    expect(readNotice({ title: "a", href })).toEqual({ title: "a" });
  },
);

test("a text of any length is cut, and a count is short", () => {
  const { title, text } = readNotice({ title: "t".repeat(9_999), text: "x".repeat(9_999) });
  expect([title.length, text?.length]).toEqual([200, 1_000]);
  expect([sayCount(1), sayCount(99), sayCount(100), sayCount(7, true)]).toEqual(["1", "99", "99+", "7+"]);
});
