import type { Store, Write } from "./store.ts";

/** Commits to a store, each answered after those before it: a store may answer a later one first, as LMDB's binding does. */
export function createOrderedCommit(store: Store): (writes: readonly Write[]) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return (writes) => {
    const answer = inTurn(last, store.commit(writes));
    last = answer.catch(() => undefined);
    return answer;
  };
}

async function inTurn(former: Promise<unknown>, commit: Promise<void>): Promise<void> {
  try {
    await commit;
  } finally {
    await former;
  }
}
