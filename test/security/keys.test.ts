import { afterEach, expect, test, vi } from "vitest";
import { createKey, findKey } from "../../src/http/auth/keys.ts";
import type { KeyRecord } from "../../src/http/auth/keys.ts";

afterEach(() => vi.restoreAllMocks());

test("a key costs the same to refuse, whether it is unknown, wrong at its first character or at its last", async () => {
  const { text, record } = await createKey({ name: "a", scopes: [] }, 0);
  const store = { find: (id: string): KeyRecord | undefined => (id === record.id ? record : undefined) };
  const digests: [string, string][] = [
    ["right", record.digest],
    ["wrong at the first", `${record.digest.startsWith("0") ? "1" : "0"}${record.digest.slice(1)}`],
    ["wrong at the last", `${record.digest.slice(0, -1)}${record.digest.endsWith("0") ? "1" : "0"}`],
  ];
  const costs: { hashed: number; compared: number }[] = [];
  const measure = async (key: string, of: { find: (id: string) => KeyRecord | undefined }) => {
    const hash = vi.spyOn(crypto.subtle, "digest");
    const compare = vi.spyOn(String.prototype, "charCodeAt");
    const found = await findKey(key, of, 1);
    costs.push({ hashed: hash.mock.calls.length, compared: compare.mock.calls.length });
    vi.restoreAllMocks();
    return found !== undefined;
  };
  const found: boolean[] = [];
  for (const [, digest] of digests) found.push(await measure(text, { find: () => ({ ...record, digest }) }));
  found.push(await measure(text.replace(record.id, "aaaaaaaaaaaa"), store));
  expect(found).toEqual([true, false, false, false]);
  expect(new Set(costs.map((cost) => JSON.stringify(cost))).size).toBe(1);
  expect(costs[0]?.hashed).toBe(1);
  // Both digests, of 64 characters.
  expect(costs[0]?.compared).toBeGreaterThanOrEqual(128);
});

test("what is kept of a key does not hold it", async () => {
  const { text, record } = await createKey({ name: "a", scopes: ["admin"] }, 0);
  const secret = text.slice(-43);
  expect(JSON.stringify(record)).not.toContain(secret);
  expect(record.digest).toMatch(/^[0-9a-f]{64}$/);
});
