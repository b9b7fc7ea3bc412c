import { readPrice } from "./price.ts";
import { TickerBlock, TickerCell } from "./ticker-block.ts";

export interface TickerBoard {
  /** Takes what a stream's keys hold, and writes what has changed: once per frame. */
  show: (entries: ReadonlyMap<string, object>) => void;
  close: () => void;
}

const MAX_SYMBOLS = 500;
/** Divided by every number of columns, so that all rows of a block are full. */
const BLOCK = 60;
const MAX_COLUMNS = 6;
const CELL_WIDTH = 176;
/** More changes in one frame than a person can tell apart are not marked one by one. */
const MAX_WASHES = 8;

/** Makes a board of many moving prices, without React: a text and a line are written where one has changed, and nothing else.
 *  Bound: 500 symbols, 40 values of each. */
export function createTickerBoard(root: HTMLElement): TickerBoard {
  const cells = new Map<string, TickerCell>();
  let blockOf = new Map<TickerCell, TickerBlock>();
  let blocks: TickerBlock[] = [];
  let byElement = new Map<Element, TickerBlock>();
  const isStill = matchMedia("(prefers-reduced-motion: reduce)");
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  let colours = readColours();
  const seeing = new IntersectionObserver(
    (seen) => {
      for (const { target, isIntersecting } of seen) {
        const block = byElement.get(target);
        if (block !== undefined) block.isSeen = isIntersecting;
      }
      draw(0);
    },
    { rootMargin: "200px" },
  );
  const sizing = new ResizeObserver(lay);
  sizing.observe(root);
  scheme.addEventListener("change", lay);

  function lay(): void {
    colours = readColours();
    const width = root.clientWidth;
    const fitting = Math.min(MAX_COLUMNS, Math.max(1, Math.floor(width / CELL_WIDTH)));
    for (const block of blocks) block.lay(width, fitting);
    draw(0);
  }

  function readColours() {
    const style = getComputedStyle(root);
    return { line: style.getPropertyValue("--muted"), head: style.getPropertyValue("--current") };
  }

  function build(entries: ReadonlyMap<string, object>): void {
    const keys = [...entries.keys()].sort().slice(0, MAX_SYMBOLS);
    const wanted = new Set(keys);
    for (const key of cells.keys()) if (!wanted.has(key)) cells.delete(key);
    for (const key of keys) if (!cells.has(key)) cells.set(key, new TickerCell(key));
    const ordered = keys.flatMap((key) => cells.get(key) ?? []);
    seeing.disconnect();
    blocks = [];
    blockOf = new Map();
    byElement = new Map();
    for (let at = 0; at < ordered.length; at += BLOCK) {
      const own = ordered.slice(at, at + BLOCK);
      const block = new TickerBlock(own);
      blocks.push(block);
      byElement.set(block.element, block);
      for (const cell of own) blockOf.set(cell, block);
    }
    root.replaceChildren(...blocks.map(({ element }) => element));
    for (const { element } of blocks) seeing.observe(element);
    lay();
  }

  function isSameSet(entries: ReadonlyMap<string, object>): boolean {
    if (Math.min(entries.size, MAX_SYMBOLS) !== cells.size) return false;
    if (entries.size > MAX_SYMBOLS) return true;
    for (const key of cells.keys()) if (!entries.has(key)) return false;
    return true;
  }

  function draw(changes: number): void {
    const isCalm = changes > 0 && changes <= MAX_WASHES && !isStill.matches;
    for (const block of blocks) block.draw(colours, performance.now(), isCalm);
  }

  return {
    show(entries) {
      if (!isSameSet(entries)) build(entries);
      let changes = 0;
      for (const [key, event] of entries) {
        const cell = cells.get(key);
        if (cell === undefined || cell.event === event) continue;
        cell.event = event;
        const price = readPrice(event);
        if (price === undefined) continue;
        cell.take(price);
        blockOf.get(cell)?.change(cell);
        changes += 1;
      }
      if (changes > 0) draw(changes);
    },
    close() {
      seeing.disconnect();
      sizing.disconnect();
      scheme.removeEventListener("change", lay);
      root.replaceChildren();
    },
  };
}
