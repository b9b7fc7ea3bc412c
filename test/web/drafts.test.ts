import "../support/dom.ts";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createDraftKeeper, readDraft, withDraft } from "../../web/drafts.ts";
import { createKept } from "../../web/kept.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => vi.useRealTimers());

test("the youngest 50 drafts are kept, and an empty one goes", () => {
  let drafts = {};
  for (let index = 0; index < 60; index++) drafts = withDraft(drafts, `c${index}`, `text ${index}`);
  expect(Object.keys(drafts)).toHaveLength(50);
  expect(drafts).not.toHaveProperty("c9");
  expect(withDraft(drafts, "c59", "  ")).not.toHaveProperty("c59");
});

test("a draft is kept when the hands rest, and each chat has its own", () => {
  const a = createDraftKeeper("a");
  const b = createDraftKeeper("b");
  a.write("for a");
  b.write("for b");
  expect(readDraft("a")).toBe("");
  vi.advanceTimersByTime(300);
  expect([readDraft("a"), readDraft("b")]).toEqual(["for a", "for b"]);
  a.write("for a, longer");
  // The page is left before the hands rest.
  a.close();
  expect(readDraft("a")).toBe("for a, longer");
  a.clear("for a, longer");
  expect([readDraft("a"), readDraft("b")]).toEqual(["", "for b"]);
  b.close();
});

test("what was written after the sending stays", () => {
  const keeper = createDraftKeeper("c");
  keeper.write("sent");
  vi.advanceTimersByTime(300);
  keeper.write("the next");
  keeper.clear("sent");
  expect(readDraft("c")).toBe("the next");
  keeper.close();
});

test("without storage a text lasts as long as the page, and whoever listens is told", () => {
  const kept = createKept("test");
  const told = vi.fn();
  const stop = kept.subscribe(told);
  expect(kept.get()).toBeUndefined();
  kept.set("here");
  expect(kept.get()).toBe("here");
  kept.set(undefined);
  expect(kept.get()).toBeUndefined();
  expect(told).toHaveBeenCalledTimes(2);
  stop();
});
