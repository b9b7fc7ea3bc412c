import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { nextFrame } from "../../src/client/frame.ts";

/** What drawing and computing have taken beyond the timers' clock. */
let taken = 0;
let time = Date.now();

beforeEach(() => {
  vi.useFakeTimers();
  // Beyond what the test before it has left.
  time += 1_000_000;
  vi.setSystemTime(time);
  vi.spyOn(performance, "now").mockImplementation(() => Date.now() + taken);
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A page whose frames take so long to draw. */
function showPage(visibilityState: "visible" | "hidden", drawMs = 0): void {
  vi.stubGlobal("document", { visibilityState });
  vi.stubGlobal("requestAnimationFrame", (draw: () => void) =>
    setTimeout(() => {
      draw();
      taken += drawMs;
    }, 5),
  );
}

/** How often it calls back in a second to who always wants more, each time taking so long. */
async function callsPerSecond(spendMs = 0): Promise<number> {
  let calls = 0;
  let isOver = false;
  const again = () => {
    if (isOver) return;
    calls += 1;
    taken += spendMs;
    nextFrame(again);
  };
  nextFrame(again);
  await vi.advanceTimersByTimeAsync(1_000);
  isOver = true;
  await vi.advanceTimersByTimeAsync(200);
  return calls;
}

it("calls back at once, and then at most once per frame", async () => {
  showPage("visible");
  const called = vi.fn();
  nextFrame(called);
  await vi.advanceTimersByTimeAsync(0);
  expect(called).toHaveBeenCalledTimes(1);
  const calls = await callsPerSecond();
  expect(calls).toBeGreaterThan(50);
  expect(calls).toBeLessThanOrEqual(63);
});

it("leaves as much time as computing and drawing take, and calls back all the same where that is very long", async () => {
  showPage("visible", 20);
  const slow = await callsPerSecond(20);
  expect(slow).toBeLessThanOrEqual(1_000 / 40 + 1);
  expect(slow).toBeGreaterThanOrEqual(15);
  showPage("visible", 5_000);
  expect(await callsPerSecond()).toBeGreaterThanOrEqual(8);
});

it("needs no frames where there are none: in a hidden page, and in Node", async () => {
  showPage("hidden", 20);
  expect(await callsPerSecond()).toBeGreaterThan(50);
  vi.unstubAllGlobals();
  expect(await callsPerSecond()).toBeGreaterThan(50);
});
