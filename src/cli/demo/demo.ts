import { createPublisher } from "./publisher.ts";
import type { DemoFetch } from "./publisher.ts";
import { createSeason } from "./matches.ts";
import { createNotices } from "./notices.ts";
import { createReplay } from "./prices.ts";
import type { RecordedPrices } from "./prices.ts";
import { readRate } from "./rate.ts";
import { createSupport } from "./support.ts";

export interface DemoOptions {
  /** Answers requests of the public API. */
  fetch: DemoFetch;
  prices: RecordedPrices;
  /** Default `Math.random`. */
  random?: () => number;
  /** Unix milliseconds. Default: the clock. */
  now?: () => number;
}

export interface Demo {
  /** Ends the feeds, and takes what they showed off the boards. Done: nothing more is appended. */
  stop: () => Promise<void>;
}

const DEMO_SCORES = "demo/scores";
const DEMO_TICKER = "demo/ticker";
/** Where a page says how fast the ticker shall go. */
const DEMO_TICKER_RATE = "demo/ticker-rate";
const RATE_KEY = "rate";
const DEMO_NOTIFICATIONS = "demo/notifications";
/** Where a page says what is read. */
const DEMO_MARKS = "demo/notifications/marks";

const MATCH_MS = 2_000;
const TICK_MS = 50;
const RATE_MS = 1_000;
const NOTICE_MS = 20_000;
const FIRST_NOTICES = 3;
const SUPPORT_MS = 1_000;
/** The most events of one append. Source: PROTOCOL.md "Append". */
const MAX_EVENTS = 1_000;

/** Runs the demo feeds: simulated matches, customers and notifications, and recorded prices. They know the server by its public streams
 *  alone. */
export function startDemo({ fetch, prices, random = Math.random, now = Date.now }: DemoOptions): Demo {
  const publisher = createPublisher(fetch);
  const season = createSeason({ random, now: now() });
  const replay = createReplay(prices);
  const notices = createNotices();
  const support = createSupport({ publisher, random, now });
  let perSecond = readRate(undefined, now());
  let owed = replay.keys.length;
  let lastTick = now();

  async function tick(): Promise<void> {
    const at = now();
    owed = Math.min(owed + (perSecond * (at - lastTick)) / 1_000, MAX_EVENTS);
    lastTick = at;
    const count = Math.floor(owed);
    owed -= count;
    if (count > 0) await publisher.append(DEMO_TICKER, replay.next(count));
  }

  function notify(count: number): Promise<unknown> {
    const events = Array.from({ length: count }, () => notices.next(now()));
    return publisher.append(DEMO_NOTIFICATIONS, events, "log");
  }

  const ends = [
    repeat(MATCH_MS, () => publisher.append(DEMO_SCORES, season.advance(now()))),
    repeat(SUPPORT_MS, support.step),
    repeat(TICK_MS, tick),
    repeat(NOTICE_MS, () => notify(1)),
    repeat(RATE_MS, async () => {
      perSecond = readRate((await publisher.read(DEMO_TICKER_RATE)).events.at(-1), now());
    }),
  ];
  void publisher.append(DEMO_SCORES, season.advance(now()));
  void notify(FIRST_NOTICES);
  // Said once, so that a page knows that there is something to choose.
  void publisher.append(DEMO_TICKER_RATE, [{ key: RATE_KEY, perSecond, until: 0 }]);

  return {
    async stop() {
      for (const end of ends) end();
      await support.clear();
      await publisher.append(DEMO_SCORES, gone(season.keys));
      await publisher.append(DEMO_TICKER, gone(replay.keys));
      await publisher.append(DEMO_TICKER_RATE, gone([RATE_KEY]));
      await publisher.remove(DEMO_NOTIFICATIONS);
      await publisher.remove(DEMO_MARKS);
    },
  };
}

/** Does a piece of work again and again, until the returned function is called. Who is late leaves a turn out: nothing queues
 *  behind a slow log. */
function repeat(ms: number, work: () => Promise<unknown>): () => void {
  let isBusy = false;
  const timer = setInterval(() => {
    if (isBusy) return;
    isBusy = true;
    void work().finally(() => (isBusy = false));
  }, ms);
  return () => clearInterval(timer);
}

function gone(keys: readonly string[]): object[] {
  return keys.map((key) => ({ key, deleted: true }));
}
