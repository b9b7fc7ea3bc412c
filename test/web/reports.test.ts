import { expect, test, vi } from "vitest";
import { reportDeliveries } from "../../web/reports.ts";

function start() {
  vi.useFakeTimers();
  let at = 0;
  const source = {
    counts: { gaps: 0, doubles: 0, reconnects: 0 },
    onConnection: () => () => {},
  };
  const sent: object[] = [];
  const page = new EventTarget();
  const stop = reportDeliveries({ source, page, now: () => at, send: (report) => sent.push(report) });
  return {
    source,
    sent,
    page,
    pass(ms: number) {
      at += ms;
      vi.advanceTimersByTime(ms);
    },
    [Symbol.dispose]() {
      stop();
      vi.useRealTimers();
    },
  };
}

test("reports what is new, at most every 30 seconds, and never more than the server takes", () => {
  using page = start();
  page.pass(5_000);
  expect(page.sent).toEqual([]);
  page.source.counts.gaps = 2;
  page.pass(1_000);
  page.source.counts.doubles = 50_000;
  page.pass(20_000);
  expect(page.sent).toEqual([{ gaps: 2, doubles: 0 }]);
  page.pass(10_000);
  expect(page.sent).toEqual([
    { gaps: 2, doubles: 0 },
    { gaps: 0, doubles: 10_000 },
  ]);
});

test("what is still to be reported goes out when the page is left", () => {
  using page = start();
  page.source.counts.gaps = 1;
  page.pass(1_000);
  page.source.counts.gaps = 2;
  page.page.dispatchEvent(new Event("pagehide"));
  expect(page.sent).toEqual([
    { gaps: 1, doubles: 0 },
    { gaps: 1, doubles: 0 },
  ]);
});

test("a tab that is told of the counts of another does not report them again", () => {
  using page = start();
  for (let gaps = 1; gaps < 5; gaps++) {
    page.source.counts = { gaps, doubles: 0, reconnects: 0 };
    page.pass(1_000);
  }
  expect(page.sent).toEqual([]);
});
