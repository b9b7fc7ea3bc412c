import { createKey } from "../../src/http/auth/keys.ts";
import type { KeyRecord, KeyStore, NewKey } from "../../src/http/auth/keys.ts";

/** Keys in memory, which a test makes and revokes. */
export interface TestKeys extends KeyStore {
  /** Makes a key; returns its text. */
  make(key: Omit<NewKey, "name"> & { name?: string }): Promise<string>;
  /** Revokes all of a person. */
  revoke(person: string): void;
}

export function createTestKeys(): TestKeys {
  const records = new Map<string, KeyRecord>();
  const listeners = new Set<() => void>();
  return {
    find: (id) => records.get(id),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async make({ name = "test", ...key }) {
      const { text, record } = await createKey({ name, ...key }, Date.now());
      records.set(record.id, record);
      return text;
    },
    revoke(person) {
      for (const [id, record] of records) {
        if (record.person === person) records.set(id, { ...record, revokedAt: Date.now() });
      }
      for (const listener of listeners) listener();
    },
  };
}
