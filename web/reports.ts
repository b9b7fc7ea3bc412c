import type { Source, SourceCounts } from "millrace/client";

export interface ReportsOptions {
  source: Pick<Source, "counts" | "onConnection">;
  /** Sends one; whether it arrives is not waited for. */
  send: (report: { gaps: number; doubles: number }) => void;
  /** Where it is told that the page is left. */
  page: EventTarget;
  now?: () => number;
}

const LOOK_MS = 1_000;
/** Between two reports, however much goes wrong. */
const REPORT_MS = 30_000;
/** Source: PROTOCOL.md "Metrics". */
const MAX_COUNT = 10_000;

/** Reports to the server what came with a hole before it or came twice, after it was mended: two numbers and nothing else, at most every
 *  30 seconds. Of several tabs the one that holds the connection does so. Returns what ends it. */
export function reportDeliveries({
  source,
  send,
  page,
  now = () => performance.now(),
}: ReportsOptions): () => void {
  let seen: SourceCounts = source.counts;
  let { gaps, doubles } = seen;
  const pending = { gaps: 0, doubles: 0 };
  let lastAt = -Infinity;

  function look(): void {
    const { counts } = source;
    // Only where they are counted are they counted in place: other tabs are given a copy with each message.
    if (counts === seen) {
      pending.gaps += counts.gaps - gaps;
      pending.doubles += counts.doubles - doubles;
    }
    seen = counts;
    ({ gaps, doubles } = counts);
    if (now() - lastAt >= REPORT_MS) report();
  }

  function report(): void {
    if (pending.gaps + pending.doubles === 0) return;
    lastAt = now();
    send({ gaps: Math.min(pending.gaps, MAX_COUNT), doubles: Math.min(pending.doubles, MAX_COUNT) });
    pending.gaps = 0;
    pending.doubles = 0;
  }

  const onLeave = () => {
    look();
    report();
  };
  // A connection is told of before it brings anything.
  const forget = source.onConnection(look);
  const timer = setInterval(look, LOOK_MS);
  page.addEventListener("pagehide", onLeave);
  return () => {
    forget();
    clearInterval(timer);
    page.removeEventListener("pagehide", onLeave);
  };
}

/** Sends a report, also when the page is being left. One that does not arrive is missed by nobody. */
export function sendReport(address: string, report: { gaps: number; doubles: number }): void {
  fetch(address, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(report),
    keepalive: true,
  }).catch(() => undefined);
}
