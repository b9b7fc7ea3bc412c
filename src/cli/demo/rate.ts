/** Updates per second where nobody asks for more, and the most. */
const CALM = 50;
const MOST = 2_000;

/** How fast the ticker goes, by the last event of its rate's stream: as somebody wished, until that is over.
 *  Shape: `{"key": "rate", "perSecond": 200, "until": 1795461424227}`. */
export function readRate(event: unknown, now: number): number {
  if (typeof event !== "object" || event === null) return CALM;
  const { perSecond, until } = event as Record<string, unknown>; // an object has members
  if (typeof perSecond !== "number" || typeof until !== "number" || !(until > now)) return CALM;
  return Math.min(MOST, Math.max(1, perSecond));
}
