/** Values from the oldest on, such as a `Ring`. */
export interface Values {
  readonly length: number;
  at: (index: number) => number | undefined;
}

export interface SparklineBox {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface SparklineColours {
  line: string;
  /** The head: what is live of it. */
  head: string;
}

const HEAD = 2;

/** Draws the last values as a line with a dot at its head. Values without a range lie in the middle. */
export function drawSparkline(
  context: CanvasRenderingContext2D,
  values: Values,
  { x, y, width, height }: SparklineBox,
  { line, head }: SparklineColours,
): void {
  // A pixel more on each side: a place between two pixels is drawn into both.
  context.clearRect(x - HEAD - 1, y - HEAD - 1, width + 2 * HEAD + 2, height + 2 * HEAD + 2);
  if (values.length === 0) return;
  const value = (at: number) => values.at(at) ?? 0;
  let [low, high] = [Infinity, -Infinity];
  for (let at = 0; at < values.length; at++) {
    low = Math.min(low, value(at));
    high = Math.max(high, value(at));
  }
  const range = high - low;
  const step = width / Math.max(1, values.length - 1);
  const left = values.length === 1 ? x + width : x;
  const top = (at: number) =>
    range === 0 ? y + height / 2 : y + height - ((value(at) - low) / range) * height;
  context.strokeStyle = line;
  context.beginPath();
  for (let at = 0; at < values.length; at++) context.lineTo(left + at * step, top(at));
  context.stroke();
  context.fillStyle = head;
  context.beginPath();
  context.arc(x + width, top(values.length - 1), HEAD, 0, 2 * Math.PI);
  context.fill();
}
