import { useSyncExternalStore } from "react";

/** A text that this browser keeps, the same for all that asks for it, in every tab. Where storage is forbidden or full it
 *  lasts as long as the page. */
export interface Kept {
  get: () => string | undefined;
  /** Undefined forgets it. */
  set: (text: string | undefined) => void;
  /** Calls the listener after each change, also one of another tab; returns what ends that. */
  subscribe: (listener: () => void) => () => void;
}

/** Makes the one place for a text. `name` is the rest of its key. */
export function createKept(name: string): Kept {
  const key = `millrace:${name}`;
  const listeners = new Set<() => void>();
  /** What storage did not take. */
  let unkept: { text: string | undefined } | undefined;

  const onStorage = (event: StorageEvent) => {
    if (event.key === key || event.key === null) for (const listener of listeners) listener();
  };
  return {
    get() {
      if (unkept !== undefined) return unkept.text;
      try {
        return localStorage.getItem(key) ?? undefined;
      } catch {
        return undefined; // Forbidden: nothing was ever kept.
      }
    },
    set(text) {
      try {
        if (text === undefined) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
        unkept = undefined;
      } catch {
        unkept = { text };
      }
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      if (listeners.size === 0) addEventListener("storage", onStorage);
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) removeEventListener("storage", onStorage);
      };
    },
  };
}

/** What is kept, now and after each change. */
export function useKept({ get, subscribe }: Kept): string | undefined {
  return useSyncExternalStore(subscribe, get);
}
