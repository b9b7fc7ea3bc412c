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
  let drawn: Node[] | undefined;
  // A formula is a hundred boxes. It is made in one turn and laid out in the next, not with all else that a frame has to do.
  later(() => {
    if (!element.isConnected || element.textContent !== source) return false;
    if (drawn === undefined) {
      drawn = draw(source, isDisplay);
      element.classList.toggle("is-source", drawn === undefined);
      return drawn !== undefined;
    }
    element.replaceChildren(...drawn);
    element.classList.add("is-drawn");
    element.getBoundingClientRect();
    return false;
  });
}
