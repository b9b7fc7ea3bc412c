import fc from "fast-check";
import { expect, test } from "vitest";
import { holdOrder, sortTickets } from "../../../../web/live/support/order.ts";
import { readTicket } from "../../../../web/live/support/ticket.ts";

test("open tickets stand before closed ones, each with what changed last in front", () => {
  const tickets = ["a", "b", "c", "d"].flatMap(
    (key) => readTicket({ key, status: key === "a" || key === "d" ? "closed" : "open" }) ?? [],
  );
  expect(sortTickets(tickets).map(({ key }) => key)).toEqual(["c", "b", "d", "a"]);
});

test("nothing moves while somebody points at it, and what waits is counted", () => {
  expect(holdOrder(["a", "b"], ["c", "b"], false)).toEqual({ keys: ["c", "b"], moved: 0 });
  expect(holdOrder(undefined, ["a"], true)).toEqual({ keys: ["a"], moved: 0 });
  expect(holdOrder(["a", "b"], ["a", "b"], true)).toEqual({ keys: ["a", "b"], moved: 0 });
  // One has come to the front, one has gone, two have changed places.
  expect(holdOrder(["a", "b"], ["c", "a", "b"], true)).toEqual({ keys: ["a", "b"], moved: 1 });
  expect(holdOrder(["a", "b"], ["b"], true)).toEqual({ keys: ["a", "b"], moved: 1 });
  expect(holdOrder(["a", "b"], ["b", "a"], true)).toEqual({ keys: ["a", "b"], moved: 1 });
  expect(holdOrder([], ["a"], true)).toEqual({ keys: [], moved: 1 });
});

test("a held order is the same however often and by whatever it is asked", () => {
  const keys = fc.uniqueArray(fc.constantFrom("a", "b", "c", "d", "e"));
  fc.assert(
    fc.property(keys, keys, (shown, sorted) => {
      const once = holdOrder(shown, sorted, true);
      expect(once.keys).toEqual(shown);
      expect(holdOrder(once.keys, sorted, true)).toEqual(once);
      expect(once.moved === 0).toBe(shown.join() === sorted.join());
    }),
  );
});
