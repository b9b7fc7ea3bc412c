import type { Store } from "./store.ts";

/** Makes a store once for each name and gives the same one again; of those that nobody shows, the last `limit` are kept. */
export function createKeptStores<S extends Store<unknown>>(
  limit: number,
): (name: string, make: () => S) => S {
  const stores = new Map<string, { store: S; listeners: number }>();
  return (name, make) => {
    const known = stores.get(name);
    if (known !== undefined) return known.store;
    const own = make();
    const kept = { store: own, listeners: 0 };
    kept.store = {
      ...own,
      subscribe(listener) {
        const unsubscribe = own.subscribe(listener);
        kept.listeners += 1;
        let isOver = false;
        return () => {
          unsubscribe();
          if (!isOver) kept.listeners -= 1;
          isOver = true;
        };
      },
    };
    stores.set(name, kept);
    for (const [other, { listeners }] of stores) {
      if (stores.size <= limit) break;
      if (listeners === 0 && other !== name) stores.delete(other);
    }
    return kept.store;
  };
}
