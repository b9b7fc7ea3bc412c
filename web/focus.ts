import { useLayoutEffect, useRef } from "react";
import type { RefObject } from "react";

/** What an element has to be given, for its focus to stay in it. */
export interface KeptFocus {
  ref: RefObject<HTMLElement | null>;
  tabIndex: -1;
  onFocus: () => void;
  onBlur: () => void;
}

/** Keeps the focus in an element whose focused part goes away; goes the element itself, the box gets it. */
export function useKeptFocus(): KeptFocus {
  const ref = useRef<HTMLElement>(null);
  const hasFocus = useRef(false);
  // React tells no blur of what it removes itself, so the flag then says where the focus was.
  useLayoutEffect(() => {
    if (hasFocus.current && document.activeElement === document.body)
      ref.current?.focus({ preventScroll: true });
  });
  useLayoutEffect(
    () => () => {
      if (hasFocus.current) focusBox();
    },
    [],
  );
  return {
    ref,
    tabIndex: -1,
    onFocus: () => {
      hasFocus.current = true;
    },
    onBlur: () => {
      hasFocus.current = false;
    },
  };
}

/** Gives the focus to the box where messages are written, except where that would bring up a keyboard of glass. */
export function focusBox(): void {
  if (matchMedia("(pointer: fine)").matches)
    document.getElementById("prompt")?.focus({ preventScroll: true });
}

/** Whether a key belongs to an input method that is still composing a word; Safari tells its last one by the code alone. */
export function isComposing({ isComposing, keyCode }: { isComposing: boolean; keyCode: number }): boolean {
  return isComposing || keyCode === 229;
}
