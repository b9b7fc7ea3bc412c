/** Prices as they were recorded, in the order of their days. Shape: `dist/demo/prices.json`, made by scripts/build.mjs. */
export interface RecordedPrices {
  /** The share. */
  symbol: string;
  days: readonly string[];
  /** One for each day. */
  prices: readonly number[];
}

/** A price, as the stream `demo/ticker` says it. */
export interface PriceEvent {
  type: "price";
  key: string;
  price: number;
  /** When it was recorded, such as `2013-05-13`. */
  day: string;
}

/** A replay of recorded prices under many symbols. */
export interface Replay {
  readonly keys: readonly string[];
  /** The next changes, each of another symbol as long as there are enough of them. */
  next: (count: number) => PriceEvent[];
}

/** So far apart are symbols that change one after the other, so that the board moves everywhere. Prime to 500. */
const STRIDE = 137;

/** Makes a replay. There is one share in the record, so each symbol is that share from another day on; after the last recorded
 *  day a symbol begins again with the first. */
export function createReplay({ symbol, days, prices }: RecordedPrices, symbols = 500): Replay {
  const width = String(symbols).length;
  const keys = Array.from({ length: symbols }, (_, at) => `${symbol}.${String(at + 1).padStart(width, "0")}`);
  const places = keys.map((_, at) => Math.floor((at * days.length) / symbols));
  let turn = 0;
  return {
    keys,
    next(count) {
      return Array.from({ length: count }, (): PriceEvent => {
        const at = (turn++ * STRIDE) % symbols;
        const place = places[at] ?? 0;
        places[at] = (place + 1) % days.length;
        return { type: "price", key: keys[at] ?? "", price: prices[place] ?? 0, day: days[place] ?? "" };
      });
    },
  };
}
