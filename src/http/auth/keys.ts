import { sha256 } from "../../protocol/hash.ts";
import type { Scope } from "./scopes.ts";

/** An API key as it is kept: what it is made of is shown once, to whoever makes it. */
export interface KeyRecord {
  /** Its public part. */
  id: string;
  /** SHA-256 of the secret part, in hex. The secret is 256 random bits, so that nothing slower is needed. */
  digest: string;
  /** What people call it. */
  name: string;
  /** In whose name it acts. */
  person: string;
  scopes: readonly Scope[];
  /** Unix milliseconds. */
  createdAt: number;
  expiresAt?: number;
  revokedAt?: number;
}

/** Where keys are looked up. */
export interface KeyStore {
  find(id: string): KeyRecord | undefined;
  /** Calls back when keys may have changed, until the returned function is called. */
  onChange?(listener: () => void): () => void;
}

const KEY = /^mr_([a-z0-9]{12})_([A-Za-z0-9_-]{43})$/;
/** Nobody's: compared with where there is no such key, so that this takes as long. */
const NOBODY = "0".repeat(64);

export interface NewKey {
  name: string;
  /** Default: a person of its own. */
  person?: string | undefined;
  scopes: readonly Scope[];
  expiresAt?: number | undefined;
}

/** Makes a key: `text` is shown once, `record` is kept. */
export async function createKey(
  { name, person, scopes, expiresAt }: NewKey,
  now: number,
): Promise<{ text: string; record: KeyRecord }> {
  const id = randomLetters(12);
  const secret = base64Url(crypto.getRandomValues(new Uint8Array(32)));
  const record: KeyRecord = {
    id,
    digest: await sha256(secret),
    name,
    person: person ?? `key-${id}`,
    scopes,
    createdAt: now,
  };
  if (expiresAt !== undefined) record.expiresAt = expiresAt;
  return { text: `mr_${id}_${secret}`, record };
}

/** Whether a text looks like one of our keys. */
export function isKey(text: string): boolean {
  return text.startsWith("mr_");
}

/** Finds the key that a text is; undefined for one that is unknown, revoked or has expired. */
export async function findKey(text: string, store: KeyStore, now: number): Promise<KeyRecord | undefined> {
  const [, id = "", secret = ""] = KEY.exec(text) ?? [];
  const record = store.find(id);
  const isRight = isSameDigest(await sha256(secret), record?.digest ?? NOBODY);
  return isRight && record !== undefined && isValid(record, now) ? record : undefined;
}

/** Whether a key has been neither revoked nor run out of its time. */
export function isValid({ expiresAt, revokedAt }: KeyRecord, now: number): boolean {
  return revokedAt === undefined && (expiresAt === undefined || expiresAt > now);
}

/** Compares all of both, wherever they differ first: how long it takes says nothing. */
function isSameDigest(a: string, b: string): boolean {
  let difference = a.length ^ b.length;
  for (let index = 0; index < a.length; index++) difference |= a.charCodeAt(index) ^ b.charCodeAt(index);
  return difference === 0;
}

function randomLetters(length: number): string {
  const letters = "abcdefghijklmnopqrstuvwxyz234567";
  // 32 letters: each byte's low five bits choose one, none more often than another.
  return [...crypto.getRandomValues(new Uint8Array(length))].map((byte) => letters[byte & 31]).join("");
}

function base64Url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");
}
