/** Calls back soon, and once for all that came meanwhile: with the next frame of a page that is seen, else after a moment. A
 *  hidden page gets no frames, so its text would fall behind. */
export function nextFrame(callback: () => void): void {
  let isDone = false;
  const run = () => {
    if (isDone) return;
    isDone = true;
    callback();
  };
  const isSeen = typeof document !== "undefined" && document.visibilityState === "visible";
  if (isSeen) requestAnimationFrame(run);
  // Also where it was seen: it may be hidden before its frame comes.
  setTimeout(run, isSeen ? 100 : 10);
}
