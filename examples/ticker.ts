// Prices that move faster than the screen: each frame writes the rows whose price has changed, and no others.
import { createClient } from "millrace/client";
import type { Client } from "millrace/client";
import { liveOf } from "millrace/client/live";

export interface Price {
  /** The symbol: what the event replaces. */
  key: string;
  price: number;
}

const STREAM = "prices";
const BATCH = 500;

/** Shows the prices until the returned function is called. */
export function showTicker(root: HTMLElement, client: Client = createClient()): () => void {
  const prices = liveOf(client).state<Price>(STREAM);
  const shown = new Map<string, { row: HTMLElement; event: Price }>();
  // Called back at most once per frame, however many events came.
  return prices.subscribe(() => {
    const { entries } = prices.getSnapshot();
    for (const [key, event] of entries) {
      const known = shown.get(key);
      // The same object: this price has not changed.
      if (known?.event === event) continue;
      const row = known?.row ?? root.appendChild(document.createElement("div"));
      row.textContent = `${key} ${event.price.toFixed(2)} ${arrow(event.price, known?.event.price)}`;
      shown.set(key, { row, event });
    }
    for (const [key, { row }] of shown) {
      if (entries.has(key)) continue;
      row.remove();
      shown.delete(key);
    }
  });
}

/** Publishes changes, many in one request: they are appended together, and in this order. */
export async function publishPrices(client: Client, prices: readonly Price[]): Promise<void> {
  await client.api.send("PUT", `/v1/streams/${STREAM}`, { kind: "state" });
  for (let at = 0; at < prices.length; at += BATCH) {
    await client.api.send("POST", `/v1/streams/${STREAM}`, prices.slice(at, at + BATCH));
  }
}

/** A shape, so that nobody has to tell colours apart. */
function arrow(price: number, before = price): string {
  if (price === before) return "–";
  return price > before ? "▲" : "▼";
}
