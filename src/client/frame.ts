/** A screen shows no more. */
const FRAME_MS = 16;
const MAX_REST_MS = 100;
const MAX_WAIT_MS = 2 * MAX_REST_MS;
/** When the page's thread may be taken again. */
let freeAt = 0;

/** Calls back soon, and once for all that came meanwhile: at most once per frame. After it as much time is left to others as it
 *  took with the drawing of what it changed, so that where a frame takes long (a slow machine, much to draw) a page can still
 *  be typed in and scrolled. In a task of its own: what is computed and what is drawn do not add up to one long wait. */
export function nextFrame(callback: () => void): void {
  const asked = performance.now();
  const run = () => {
    const begun = performance.now();
    // How long the last frame took may have become known while this waited.
    const left = Math.min(freeAt, asked + MAX_WAIT_MS) - begun;
    if (left > 0) {
      setTimeout(run, left);
      return;
    }
    rest(FRAME_MS);
    callback();
    const spent = performance.now() - begun;
    rest(spent);
    // A hidden page draws nothing, and gets no frames.
    if (typeof document === "undefined" || document.visibilityState !== "visible") return;
    requestAnimationFrame(() => {
      const drawing = performance.now();
      // The next task comes when the frame has been drawn.
      setTimeout(() => rest(spent + performance.now() - drawing));
    });
  };
  setTimeout(run, Math.max(0, Math.min(freeAt - asked, MAX_WAIT_MS)));
}

function rest(ms: number): void {
  freeAt = Math.max(freeAt, performance.now() + Math.min(ms, MAX_REST_MS));
}
