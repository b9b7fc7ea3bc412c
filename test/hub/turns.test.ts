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

test("what is short and not urgent is done many at a time where what is urgent takes each turn", async () => {
  const turns = new Turns();
  let urgent = 0;
  turns.add(() => {
    work(3);
    urgent += 1;
    return urgent < 40;
  });
  let done = 0;
  for (let count = 0; count < 40; count++) turns.addPatient(() => (done += 1) < 0);
  await vi.waitFor(() => expect(done).toBe(40), { interval: 0 });
  expect(urgent).toBeLessThan(20);
  await vi.waitFor(() => expect(urgent).toBe(40));
});

test("what is not urgent leaves room for what is, in the same turn", () => {
  let steps = 0;
  // Where this process is held up meanwhile, the turn is over: then once more.
  const attempts = Array.from({ length: 20 }, () => {
    const turns = new Turns();
    let isDone = false;
    turns.addPatient(() => (steps += 1) > 0 && !isDone);
    turns.add(() => {
      isDone = true;
      return false;
    });
    const wasDone = isDone;
    isDone = true;
    return wasDone;
  });
  expect(steps).toBeGreaterThan(20);
  expect(attempts).toContain(true);
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
