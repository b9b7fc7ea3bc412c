import fc from "fast-check";
import { expect, test } from "vitest";
import { describeMove, readPrice } from "../../../web/live/price.ts";
import { Ring } from "../../../web/live/ring.ts";

test("a ring holds the last values in their order, whatever was pushed", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 1_000 })),
      fc.integer({ min: 1, max: 20 }),
      (values, size) => {
        const ring = new Ring(size);
        for (const value of values) ring.push(value);
        const held = Array.from({ length: ring.length }, (_, at) => ring.at(at));
        expect(held).toEqual(values.slice(-size));
      },
    ),
  );
});

test("a ring that was cleared begins anew", () => {
  const ring = new Ring(3);
  for (const value of [1, 2, 3, 4]) ring.push(value);
  ring.clear();
  ring.push(5);
  expect([ring.length, ring.at(0)]).toEqual([1, 5]);
});

test.each([
  [101, 100, "▲ +1.00 %"],
  [99, 100, "▼ −1.00 %"],
  [100, 100, "– 0.00 %"],
  [5, 0, "▲ +0.00 %"],
  [300, 100, "▲ +200 %"],
])("%d after %d is %s: a shape and a sign, no colour", (price, before, text) => {
  expect(describeMove(price, before)).toBe(text);
});

test.each([{}, { price: "1" }, { price: Infinity }, { price: 1e9 }])("%j is no price", (event) => {
  expect(readPrice(event)).toBeUndefined();
});
