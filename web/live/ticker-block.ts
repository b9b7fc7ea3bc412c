import { Ring } from "./ring.ts";
import { describeMove } from "./price.ts";
import type { Price } from "./price.ts";
import { drawSparkline } from "./sparkline.ts";
import type { SparklineBox, SparklineColours } from "./sparkline.ts";

/** As in live.css. */
const CELL_HEIGHT = 60;
const POINTS = 40;
const WASH = [
  { backgroundColor: "color-mix(in oklch, var(--current) 24%, transparent)" },
  { backgroundColor: "transparent" },
];
const WASH_MS = 900;

/** One symbol of the board: what it is at, and where it is written. */
export class TickerCell {
  readonly key: string;
  readonly element = document.createElement("div");
  readonly ring = new Ring(POINTS);
  event: object | undefined;
  #latest: Price = { price: 0, day: "" };
  #before = 0;
  readonly #price = document.createElement("span");
  readonly #move = document.createElement("span");
  #washedAt = -Infinity;

  constructor(key: string) {
    this.key = key;
    const name = document.createElement("span");
    name.textContent = key;
    this.element.className = "tick";
    this.element.setAttribute("role", "listitem");
    name.className = "tick-name";
    this.#price.className = "tick-price";
    this.#move.className = "tick-move";
    this.element.append(name, this.#price, this.#move);
  }

  /** Takes a price. One of an earlier day begins the record anew. */
  take(price: Price): void {
    if (price.day < this.#latest.day) this.ring.clear();
    this.#before = this.ring.length === 0 ? price.price : this.#latest.price;
    this.#latest = price;
    this.ring.push(price.price);
  }

  write(): void {
    this.#price.textContent = this.#latest.price.toFixed(2);
    this.#move.textContent = this.ring.length > 1 ? describeMove(this.#latest.price, this.#before) : "";
  }

  /** Marks the change; while a wash drains there is no other. */
  wash(now: number): void {
    if (now - this.#washedAt < WASH_MS) return;
    this.#washedAt = now;
    this.element.animate(WASH, WASH_MS);
  }
}

/** Some rows of the board with one canvas for their lines, which is as large as they are only while they can be seen. */
export class TickerBlock {
  readonly element = document.createElement("div");
  readonly #canvas = document.createElement("canvas");
  readonly #symbols: readonly TickerCell[];
  readonly #places: ReadonlyMap<TickerCell, number>;
  readonly #dirty = new Set<TickerCell>();
  #columns = 1;
  #width = 0;
  #isSeen = false;

  constructor(symbols: readonly TickerCell[]) {
    this.#symbols = symbols;
    this.#places = new Map(symbols.map((symbol, place) => [symbol, place]));
    this.element.className = "tick-block";
    this.element.append(this.#canvas, ...symbols.map(({ element }) => element));
    this.#canvas.setAttribute("aria-hidden", "true");
  }

  /** Lays the rows out for a width of the board. */
  lay(width: number, columns: number): void {
    this.#width = width;
    this.#columns = columns;
    this.element.style.setProperty("--columns", String(columns));
    if (this.#isSeen) this.#open();
  }

  set isSeen(isSeen: boolean) {
    if (isSeen === this.#isSeen) return;
    this.#isSeen = isSeen;
    if (isSeen) this.#open();
    // A canvas of no size holds no memory.
    else this.#canvas.width = this.#canvas.height = 0;
  }

  change(symbol: TickerCell): void {
    this.#dirty.add(symbol);
  }

  /** Writes what has changed since the last frame, where it can be seen. */
  draw(colours: SparklineColours, now: number, isCalm: boolean): void {
    const context = this.#isSeen ? this.#canvas.getContext("2d") : null;
    if (context === null) return;
    for (const symbol of this.#dirty) {
      symbol.write();
      drawSparkline(context, symbol.ring, this.#boxOf(symbol), colours);
      if (isCalm) symbol.wash(now);
    }
    this.#dirty.clear();
  }

  /** Makes the canvas as large as the rows are. It is empty then, so everything is to be drawn. */
  #open(): void {
    const rows = Math.ceil(this.#symbols.length / this.#columns);
    this.#canvas.width = Math.round(this.#width * devicePixelRatio);
    this.#canvas.height = Math.round(rows * CELL_HEIGHT * devicePixelRatio);
    const context = this.#canvas.getContext("2d");
    context?.scale(devicePixelRatio, devicePixelRatio);
    if (context !== null) context.lineWidth = 1.25;
    for (const symbol of this.#symbols) if (symbol.event !== undefined) this.#dirty.add(symbol);
  }

  /** Where a symbol's line is: at the foot of its cell, left of its change. */
  #boxOf(symbol: TickerCell): SparklineBox {
    const index = this.#places.get(symbol) ?? 0;
    const cell = this.#width / this.#columns;
    const x = (index % this.#columns) * cell + 12;
    const y = Math.floor(index / this.#columns) * CELL_HEIGHT + 35;
    return { x, y, width: Math.max(20, cell - 124), height: 14 };
  }
}
