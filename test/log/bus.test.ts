import { expect, test, vi } from "vitest";
import { createBus } from "../../src/log/bus.ts";

test("a hint reaches all who subscribe to its topic, until they leave", () => {
  const bus = createBus();
  const one = vi.fn();
  const other = vi.fn();
  const leave = bus.subscribe("signal", one);
  bus.subscribe("signal", one);
  bus.subscribe("presence", other);
  bus.publish("signal", "1");
  leave();
  bus.publish("signal", "2");
  expect(one.mock.calls).toEqual([["1"], ["1"], ["2"]]);
  expect(other).not.toHaveBeenCalled();
});
