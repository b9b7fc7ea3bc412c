import { lazy } from "react";
import type { ComponentType, LazyExoticComponent } from "react";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** A part of the page whose code is loaded when it is first shown. React takes the whole page down when that fails: so it never
 *  does. While the server cannot be reached the part's fallback stays, and its code is asked for again. */
export function lazyPart<Props>(
  load: () => Promise<ComponentType<Props>>,
): LazyExoticComponent<ComponentType<Props>> {
  return lazy(async () => {
    for (let wait = FIRST_WAIT_MS; ; wait = Math.min(2 * wait, LONGEST_WAIT_MS)) {
      try {
        return { default: await load() };
      } catch {
        await new Promise((resolve) => setTimeout(resolve, wait));
      }
    }
  });
}
