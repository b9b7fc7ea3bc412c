/** A value that is watched: what a page binds to, as `useSyncExternalStore` of React wants it. */
export interface Store<T> {
  /** The same object until it changes. */
  getSnapshot: () => T;
  /** Calls the listener after each change; returns what ends that. */
  subscribe: (listener: () => void) => () => void;
}

export interface OwnStore<T> extends Store<T> {
  set: (value: T) => void;
}

/** How long a store goes on when its last listener has left: a page that mounts twice, or comes back, finds it running. */
const LINGER_MS = 1_000;

/** Makes a store that runs while someone listens: `run` starts what feeds it, and returns what ends that. */
export function createStore<T>(initial: T, run: () => () => void): OwnStore<T> {
  const listeners = new Set<() => void>();
  let value = initial;
  let end: (() => void) | undefined;
  let lingering: ReturnType<typeof setTimeout> | undefined;
  return {
    getSnapshot: () => value,
    set(next) {
      if (Object.is(next, value)) return;
      value = next;
      for (const listener of listeners) listener();
    },
    subscribe(listener) {
      // Of its own: the same function may be given twice.
      const own = () => listener();
      listeners.add(own);
      clearTimeout(lingering);
      end ??= run();
      return () => {
        if (!listeners.delete(own) || listeners.size > 0) return;
        lingering = setTimeout(() => {
          end?.();
          end = undefined;
        }, LINGER_MS);
      };
    },
  };
}
