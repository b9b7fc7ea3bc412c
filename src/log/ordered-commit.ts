import type { Store, Write } from "./store.ts";

/** Commits to a store, each answered after those before it: a store may answer a later one first, as LMDB's binding does. */
export function createOrderedCommit(store: Store): (writes: readonly Write[]) => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  let former: { commit: Promise<void>; answer: Promise<void> } | undefined;
  return (writes) => {
    const commit = store.commit(writes);
    // What the store gathers into one commit has one answer.
    if (former?.commit === commit) return former.answer;
    const answer = inTurn(last, commit);
    last = answer.catch(() => undefined);
    former = { commit, answer };
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
