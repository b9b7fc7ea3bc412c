import { afterEach, expect, test, vi } from "vitest";
import { Turns } from "../../src/hub/turns.ts";

afterEach(() => vi.restoreAllMocks());

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

test("what is urgent goes first, and what is not has a step in each turn, however long either takes", async () => {
  const turns = new Turns();
  const done: string[] = [];
  const steps = (name: string) => () => {
    work(3);
    done.push(name);
    return done.filter((each) => each === name).length < 10;
  };
  turns.addPatient(steps("patient"));
  turns.add(steps("urgent"));
  turns.addPatient(steps("other"));
  await vi.waitFor(() => expect(done.length).toBe(30));
  const turn = ["urgent", "patient", "urgent", "other"];
  // The first had the first turn to itself.
  expect(done.slice(0, 21)).toEqual(["patient", ...turn, ...turn, ...turn, ...turn, ...turn]);
});

/** A clock that only steps move, so that a machine that is held up counts for nothing. */
function stopClock(): { now: number } {
  const clock = { now: 0 };
  vi.spyOn(performance, "now").mockImplementation(() => clock.now);
  return clock;
}

test("what is short and not urgent is done many at a time where what is urgent takes each turn", async () => {
  const clock = stopClock();
  const turns = new Turns();
  let urgent = 0;
  turns.add(() => {
    clock.now += 3;
    urgent += 1;
    return urgent < 40;
  });
  const doneAfter: number[] = [];
  for (let count = 0; count < 40; count++)
    turns.addPatient(() => {
      clock.now += 0.125;
      doneAfter.push(urgent);
      return false;
    });
  await vi.waitFor(() => expect(urgent).toBe(40));
  // Four are half a millisecond; the first turn was the urgent one's.
  expect(doneAfter).toEqual(Array.from({ length: 40 }, (_, index) => 2 + Math.floor(index / 4)));
});

test("what is not urgent leaves room for what is, in the same turn", () => {
  const clock = stopClock();
  const turns = new Turns();
  let steps = 0;
  turns.addPatient(() => {
    clock.now += 0.25;
    steps += 1;
    return steps < 1_000_000;
  });
  let isDone = false;
  turns.add(() => {
    isDone = true;
    return false;
  });
  expect(steps).toBe(4);
  expect(isDone).toBe(true);
});

test("what a step has others do counts, too", async () => {
  const turns = new Turns();
  let begun = 0;
  turns.addPatient(() => {
    begun += 1;
    turns.charge(5);
    return begun < 10;
  });
  expect(begun).toBe(1);
  await vi.waitFor(() => expect(begun).toBe(10));
});
