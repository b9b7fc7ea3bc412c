/** A price, as an event of the stream `demo/ticker` says it. */
export interface Price {
  price: number;
  /** When it was recorded. */
  day: string;
}

/** Reads what somebody has published; undefined if it is no price. */
export function readPrice(event: object): Price | undefined {
  const { price, day } = event as Record<string, unknown>; // an object has members
  if (typeof price !== "number" || !Number.isFinite(price) || Math.abs(price) >= 1e7) return undefined;
  return { price, day: typeof day === "string" ? day.slice(0, 10) : "" };
}

/** A change in words that need no colour: the direction as a shape and as a sign. */
export function describeMove(price: number, before: number): string {
  const percent = before === 0 ? 0 : ((price - before) / Math.abs(before)) * 100;
  if (price === before) return "– 0.00 %";
  const size = Math.abs(percent) >= 100 ? Math.abs(percent).toFixed(0) : Math.abs(percent).toFixed(2);
  return price > before ? `▲ +${size} %` : `▼ −${size} %`;
}
