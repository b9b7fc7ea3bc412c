import { useEffect } from "react";
import { isCovered } from "./dialog.tsx";
import { isComposing } from "./focus.ts";
import { createKept, useKept } from "./kept.ts";

/** Whether single keys do something: a person who speaks to the machine, or shakes, may turn them off. */
export const keptKeys = createKept("keys");

export function useHasKeys(): boolean {
  return useKept(keptKeys) !== "off";
}

/** What single keys do, by their names. */
export type Keys = Record<string, () => void>;

/** Does what a key stands for, wherever the focus is but in text. */
export function useKeys(keys: Keys): void {
  const hasKeys = useHasKeys();
  useEffect(() => {
    const onKeyDown = (event: KeyboardEvent) => {
      const { key, target } = event;
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (isComposing(event) || isText(target) || isCovered()) return;
      // The help is where they can be turned on again.
      if (!hasKeys && key !== "?") return;
      const act = Object.hasOwn(keys, key) ? keys[key] : undefined;
      if (act === undefined) return;
      event.preventDefault();
      act();
    };
    addEventListener("keydown", onKeyDown);
    return () => removeEventListener("keydown", onKeyDown);
  }, [keys, hasKeys]);
}

/** Goes to the next message, or to the one before; from elsewhere to the last one. */
export function stepMessage(step: 1 | -1): void {
  const messages = [...document.querySelectorAll<HTMLElement>("article[data-message]")];
  const current = messages.findIndex((message) => message.contains(document.activeElement));
  const wanted = current === -1 ? messages.length - 1 : current + step;
  const message = messages[Math.min(Math.max(0, wanted), messages.length - 1)];
  message?.focus({ preventScroll: true });
  message?.scrollIntoView({ block: "start", behavior: "instant" });
}

function isText(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest("input:not([type=checkbox]), textarea, select") !== null;
}
