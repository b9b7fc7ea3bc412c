import fc from "fast-check";
import { expect, test } from "vitest";
import { EMPTY_FEED, EMPTY_STREAM_STATE, foldFeed, foldStreamState } from "../../src/client/feed.ts";
import type { Arrived, FeedView, StreamStateView } from "../../src/client/feed.ts";

interface Counted {
  n: number;
}

const feed: FeedView<Counted> = EMPTY_FEED;
const state: StreamStateView<Counted> = EMPTY_STREAM_STATE;

/** Events with offsets from 1 on; a state's offsets have holes, which changes nothing here. */
const at = (events: readonly Record<string, unknown>[]): Arrived[] =>
  events.map((event, index) => ({ cursor: `aaaaaaaa.${index + 1}`, event, isReplay: false }));

const changes = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c", "d"), n: fc.nat(), deleted: fc.boolean() }),
  { maxLength: 40 },
);

/** Cuts a list anywhere. */
function pieces<T>(list: readonly T[], cuts: readonly number[]): T[][] {
  const places = [...cuts.map((cut) => cut % (list.length + 1)), list.length].toSorted((a, b) => a - b);
  return places.map((place, index) => list.slice(index === 0 ? 0 : places[index - 1], place));
}

test("a feed folded in any pieces is the feed folded at once, and twice equals once", () => {
  fc.assert(
    fc.property(
      changes,
      fc.array(fc.nat(), { maxLength: 5 }),
      fc.integer({ min: 1, max: 50 }),
      (all, cuts, limit) => {
        const arrived = at(all);
        const once = foldFeed(feed, arrived, limit);
        const split = pieces(arrived, cuts).reduce((view, piece) => foldFeed(view, piece, limit), feed);
        expect(split).toEqual(once);
        expect(foldFeed(once, arrived, limit)).toBe(once);
        expect(once.events.map(({ event }) => event)).toEqual(all.slice(-limit));
        expect(once.received).toBe(all.length);
      },
    ),
  );
});

test("a state folded in any pieces is the last event of each key, in the order of the last change", () => {
  fc.assert(
    fc.property(changes, fc.array(fc.nat(), { maxLength: 5 }), (all, cuts) => {
      const arrived = at(all);
      const split = pieces(arrived, cuts).reduce((view, piece) => foldStreamState(view, piece, 10), state);
      const last = all.filter((one, index) => !all.slice(index + 1).some(({ key }) => key === one.key));
      expect([...split.entries]).toEqual(
        last.filter(({ deleted }) => !deleted).map((event) => [event.key, event]),
      );
      expect(foldStreamState(split, arrived, 10)).toBe(split);
    }),
  );
});

test("a fold leaves what it was given as it was", () => {
  const before = foldStreamState(state, at([{ key: "a", n: 1 }]), 10);
  const kept = new Map(before.entries);
  const gone = at([
    { key: "a", n: 1 },
    { key: "a", deleted: true },
  ]);
  const after = foldStreamState(before, gone, 10);
  expect(before.entries).toEqual(kept);
  expect(after.entries.size).toBe(0);
});

test("what comes out of order is not taken", () => {
  const view = foldFeed(feed, [...at([{ n: 1 }, { n: 2 }]), ...at([{ n: 1 }])], 10);
  expect(view.events.map(({ event }) => event.n)).toEqual([1, 2]);
  expect(view.received).toBe(2);
});

test("of more keys than are kept those that changed last stay, and it is said", () => {
  const keys = Array.from({ length: 50_001 }, (_, n) => ({ key: `k${n}`, n }));
  const view = foldStreamState(state, at(keys), 10_000);
  expect(view.entries.size).toBe(10_000);
  expect(view.isPartial).toBe(true);
  expect(view.entries.has("k50000")).toBe(true);
  expect(view.entries.has("k40000")).toBe(false);
});

test("an event of a state without a key is nothing to show", () => {
  expect(foldStreamState(state, at([{ n: 1 }]), 10).entries.size).toBe(0);
});
