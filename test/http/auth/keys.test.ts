import { expect, test, vi } from "vitest";
import { createKey, findKey } from "../../../src/http/auth/keys.ts";
import type { KeyRecord } from "../../../src/http/auth/keys.ts";

/** A record whose digest says which of its characters were looked at. */
function watched(record: KeyRecord): { record: KeyRecord; looked: number[] } {
  const looked: number[] = [];
  const { digest } = record;
  const told = {
    length: digest.length,
    charCodeAt(index: number) {
      looked.push(index);
      return digest.charCodeAt(index);
    },
  };
  return { record: { ...record, digest: told as unknown as string }, looked }; // as far as a comparison may look
}

test("a key is compared whole, wherever it differs first: how long it takes says nothing of it", async () => {
  const { text, record } = await createKey({ name: "k", person: "ada", scopes: ["run"] }, 0);
  const whole = Array.from({ length: record.digest.length }, (_, index) => index);
  expect(whole.length).toBeGreaterThan(40);
  const first = text.length - 43;
  const changed = (index: number) =>
    text.slice(0, index) + (text[index] === "a" ? "b" : "a") + text.slice(index + 1);
  for (const given of [text, changed(first), changed(text.length - 1)]) {
    const { record: kept, looked } = watched(record);
    const found = await findKey(given, { find: () => kept }, 1);
    expect(found === kept).toBe(given === text);
    expect(looked).toEqual(whole);
  }
});

test("a key that nobody has costs the same digest as one that somebody has", async () => {
  const { text, record } = await createKey({ name: "k", person: "ada", scopes: ["run"] }, 0);
  const digest = vi.spyOn(crypto.subtle, "digest");
  await findKey(text, { find: () => record }, 1);
  const known = digest.mock.calls.length;
  expect(known).toBe(1);
  expect(await findKey(text, { find: () => undefined }, 1)).toBeUndefined();
  expect(digest.mock.calls.length).toBe(2 * known);
  digest.mockRestore();
});
