import { later } from "./later.ts";
import type { drawMath } from "./math-draw.ts";

type Draw = typeof drawMath;

let loading: Promise<Draw> | undefined;

/** Draws a formula in an element that shows its source, when the part of the page that can has come. What cannot be drawn
 *  keeps its source. */
export async function renderMath(element: HTMLElement, source: string, isDisplay: boolean): Promise<void> {
  loading ??= import("./math-draw.ts").then((module) => module.drawMath);
  let draw: Draw;
  try {
    draw = await loading;
  } catch {
    // The network is away: the source can be read, and the next formula tries again.
    loading = undefined;
    return;
  }
  later(() => {
    if (element.isConnected && element.textContent === source) draw(element, source, isDisplay);
    return false;
  });
}
