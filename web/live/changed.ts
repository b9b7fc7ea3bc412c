import { useLayoutEffect, useRef } from "react";
import type { RefObject } from "react";

/** How long a change is marked. As in live.css. */
const WASH_MS = 900;
const MOVE_MS = 240;

/** Marks an element once when its value changes, not when it is first shown: `data-changed` is there for 900 ms. */
export function useChanged<E extends HTMLElement>(value: unknown): RefObject<E | null> {
  const ref = useRef<E>(null);
  const before = useRef(value);
  useLayoutEffect(() => {
    const element = ref.current;
    if (before.current === value || element === null) return undefined;
    before.current = value;
    return wash(element);
  }, [value]);
  return ref;
}

/** Marks an element once when it is first shown, where it is news. */
export function useArrived<E extends HTMLElement>(isNews: boolean): RefObject<E | null> {
  const ref = useRef<E>(null);
  useLayoutEffect(() => (isNews && ref.current !== null ? wash(ref.current) : undefined), [isNews]);
  return ref;
}

function wash(element: HTMLElement): () => void {
  delete element.dataset["changed"];
  // Read so that the browser sees it without the mark, and washes anew.
  element.getBoundingClientRect();
  element.dataset["changed"] = "";
  const timer = setTimeout(() => delete element.dataset["changed"], WASH_MS);
  return () => clearTimeout(timer);
}

/** Moves the children of an element, which have a `data-key`, from where they were to where they are now. */
export function useMoved<E extends HTMLElement>(order: string): RefObject<E | null> {
  const ref = useRef<E>(null);
  const places = useRef(new Map<string, { left: number; top: number }>());
  useLayoutEffect(() => {
    const former = places.current;
    const now = new Map<string, { left: number; top: number }>();
    const parent = ref.current;
    if (parent === null) return;
    const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
    for (const child of parent.children) {
      if (!(child instanceof HTMLElement)) continue;
      const key = child.dataset["key"] ?? "";
      // Within the element: that it was scrolled is no move.
      const place = { left: child.offsetLeft - parent.offsetLeft, top: child.offsetTop - parent.offsetTop };
      now.set(key, place);
      const from = former.get(key);
      if (from === undefined || isStill) continue;
      const [x, y] = [from.left - place.left, from.top - place.top];
      if (x === 0 && y === 0) continue;
      child.animate([{ transform: `translate(${x}px, ${y}px)` }, { transform: "none" }], {
        duration: MOVE_MS,
        easing: "ease-out",
      });
    }
    places.current = now;
  }, [order]);
  return ref;
}
