import { createKept, useKept } from "./kept.ts";

/** Whether the wire is shown: it is folded until someone wants it, and stays as it was left. */
const kept = createKept("wire");

export function useShownWire(): boolean {
  return useKept(kept) === "open";
}

export function showWire(isShown: boolean): void {
  kept.set(isShown ? "open" : undefined);
}

export function toggleWire(): void {
  showWire(kept.get() !== "open");
}
