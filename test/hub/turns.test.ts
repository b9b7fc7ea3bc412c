import { expect, test, vi } from "vitest";
import { Turns } from "../../src/hub/turns.ts";

/** Takes so many milliseconds of the processor. */
function work(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

test("lets others have their turn before who has much to do is done", async () => {
  const turns = new Turns();
  const done: string[] = [];
  let steps = 0;
  turns.add(() => {
    work(1);
    steps += 1;
    return steps < 200;
  });
  // It has begun at once, and has left off.
  expect(steps).toBeGreaterThan(0);
  expect(steps).toBeLessThan(10);
  await new Promise((resolve) => setImmediate(resolve));
  const before = steps;
  turns.add(() => {
    done.push("chat");
    return false;
  });
  while (done.length === 0) await new Promise((resolve) => setImmediate(resolve));
  expect(steps - before).toBeLessThan(10);
  await vi.waitFor(() => expect(steps).toBe(200));
});

test("goes on after a step that failed", async () => {
  const turns = new Turns();
  const done: string[] = [];
  expect(() =>
    turns.add(() => {
      throw new Error("a bug");
    }),
  ).toThrow("a bug");
  turns.add(() => done.push("next") < 0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(done).toEqual(["next"]);
});
