import { expect, test } from "vitest";
import { encodeBundle } from "../../src/hub/bundle.ts";
import { Pages } from "../../src/hub/pages.ts";

const BYTES = 1_000_000;

function frames(after: number): { offset: number; bundle: ReturnType<typeof encodeBundle> }[] {
  return [{ offset: after + 1, bundle: encodeBundle("x".repeat(BYTES)) }];
}

test("keeps as much however many streams there are, the newest", () => {
  const pages = new Pages();
  const owners = Array.from({ length: 20 }, () => ({}));
  for (const owner of owners) pages.keep(owner, 0, "limit", frames(0));
  const kept = owners.map((owner) => pages.find(owner, 0, "limit") !== undefined);
  expect(kept.filter(Boolean).length).toBe(8);
  expect(kept.slice(12)).toEqual(kept.slice(12).fill(true));
});

test("a reader gets no page of more than it asks for at a time, and none of another stream", () => {
  const pages = new Pages();
  const owner = {};
  pages.keep(owner, 0, "limit", [...frames(0), ...frames(1)]);
  expect(pages.find(owner, 1, "limit")?.bundles).toHaveLength(1);
  expect(pages.find(owner, 0, "less")).toBeUndefined();
  expect(pages.find({}, 0, "limit")).toBeUndefined();
});

test("a page that is read twice is kept once, as it was read last", () => {
  const pages = new Pages();
  const [one, other] = [{}, {}];
  pages.keep(other, 0, "limit", frames(0));
  for (let round = 0; round < 20; round++) pages.keep(one, 0, "limit", frames(0));
  const last = pages.keep(one, 0, "limit", [...frames(0), ...frames(1)]);
  expect(pages.find(one, 0, "limit")).toBe(last);
  expect(pages.find(other, 0, "limit")?.last).toBe(1);
  expect(pages.find(one, 0, "less")).toBeUndefined();
});

test("keeps at most so many, however small they are", () => {
  const pages = new Pages();
  const owner = {};
  for (let after = 0; after < 2_000; after++)
    pages.keep(owner, after, "limit", [{ offset: after + 1, bundle: encodeBundle("x") }]);
  expect(pages.find(owner, 0, "limit")).toBeUndefined();
  expect(pages.find(owner, 1_999, "limit")?.last).toBe(2_000);
});

test("a stream that nobody reads any more keeps nothing, and the others keep theirs", () => {
  const pages = new Pages();
  const [one, other] = [{}, {}];
  for (let round = 0; round < 20; round++) {
    for (let after = 0; after < 7; after++) pages.keep(one, after, "limit", frames(after));
    pages.forget(one);
    expect(pages.find(one, 0, "limit")).toBeUndefined();
    // It has its place again.
    if (round === 0) pages.keep(other, 0, "limit", frames(0));
  }
  expect(pages.find(other, 0, "limit")?.last).toBe(1);
});
