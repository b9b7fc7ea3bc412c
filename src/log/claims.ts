import type { StreamName } from "../protocol/names.ts";
import type { AppendOutcome, KeyClaim, KeyRecord } from "./log.ts";
import type { Store, Write } from "./store.ts";
import { ignoreUnavailable } from "./unavailable.ts";

/** Who claims a key first appends; the others get that one's answer, or are told that theirs is another request. */
export interface Claims {
  claim(key: KeyClaim, append: () => Promise<AppendOutcome>): Promise<AppendOutcome>;
  /** The record of a key while it is valid. */
  find(id: string): KeyRecord | undefined;
  /** Resolves when no claim of this key is under way. */
  settled(id: string): Promise<void>;
}

export function createClaims(store: Store, now: () => number): Claims {
  const pending = new Map<string, { digest: string; answer: Promise<AppendOutcome> }>();

  function find(id: string): KeyRecord | undefined {
    const record = store.key(id);
    return record?.expiresAt !== undefined && record.expiresAt <= now() ? undefined : record;
  }

  return {
    find,
    async settled(id) {
      await pending.get(id)?.answer.catch(ignoreUnavailable);
    },
    async claim({ id, digest }, append) {
      for (let other = pending.get(id); other !== undefined; other = pending.get(id)) {
        if (other.digest !== digest) return { status: "key-reused" };
        // Whether it took effect is known when it is answered.
        await other.answer.catch(ignoreUnavailable);
      }
      const record = find(id);
      if (record !== undefined)
        return record.digest === digest ? { status: "replayed", record } : { status: "key-reused" };
      const answer = append();
      pending.set(id, { digest, answer });
      try {
        return await answer;
      } finally {
        pending.delete(id);
      }
    },
  };
}

/** What claims a key, to be committed together with the append that claims it. */
export function keyWrites(
  { id, digest, note, expiresAt }: KeyClaim,
  stream: StreamName,
  cursor: string,
): Write[] {
  const record: KeyRecord = { digest, stream, cursor };
  if (note !== undefined) record.note = note;
  if (expiresAt === undefined) return [{ op: "put-key", id, record }];
  return [{ op: "put-key", id, record: { ...record, expiresAt } }, expiryOf(id, expiresAt)];
}

/** When a key is to be looked at again. */
export function expiryOf(id: string, at: number): Write {
  return { op: "put-expiry", expiry: { at, of: "key", id } };
}
