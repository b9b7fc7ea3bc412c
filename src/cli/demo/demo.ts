import { createPublisher } from "./publisher.ts";
import type { DemoFetch } from "./publisher.ts";
import { createSeason } from "./matches.ts";
import { createReplay } from "./prices.ts";
import type { RecordedPrices } from "./prices.ts";
import { readRate } from "./rate.ts";

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

const MATCH_MS = 2_000;
const TICK_MS = 50;
const RATE_MS = 1_000;
/** The most events of one append. Source: PROTOCOL.md "Append". */
const MAX_EVENTS = 1_000;

/** Runs the demo feeds: simulated matches, and recorded prices. They know the server by its public streams alone. */
export function startDemo({ fetch, prices, random = Math.random, now = Date.now }: DemoOptions): Demo {
  const publisher = createPublisher(fetch);
  const season = createSeason({ random, now: now() });
  const replay = createReplay(prices);
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

  const ends = [
    repeat(MATCH_MS, () => publisher.append(DEMO_SCORES, season.advance(now()))),
    repeat(TICK_MS, tick),
    repeat(RATE_MS, async () => {
      perSecond = readRate(await publisher.last(DEMO_TICKER_RATE), now());
    }),
  ];
  void publisher.append(DEMO_SCORES, season.advance(now()));
  // Said once, so that a page knows that there is something to choose.
  void publisher.append(DEMO_TICKER_RATE, [{ key: RATE_KEY, perSecond, until: 0 }]);

  return {
    async stop() {
      for (const end of ends) end();
      await publisher.append(DEMO_SCORES, gone(season.keys));
      await publisher.append(DEMO_TICKER, gone(replay.keys));
      await publisher.append(DEMO_TICKER_RATE, gone([RATE_KEY]));
    },
  };
}

/** Does a piece of work again and again, until the returned function is called. Who is late leaves a turn out: nothing queues
 *  behind a slow log. */
function repeat(ms: number, work: () => Promise<void>): () => void {
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
