import { chmodSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import type { KeyRecord, KeyStore } from "./http/auth/keys.ts";
import { isScope } from "./http/auth/scopes.ts";

/** Says what is wrong with a file of keys, in a sentence for whoever started the command. */
export class KeyFileError extends Error {
  override name = "KeyFileError";
}

/** Keys in a file, as a server uses them: what another process writes there holds within a second. */
export interface KeyFile extends KeyStore {
  close(): void;
}

const FORMAT = 1;
const LOOK_MS = 500;
const LOCK_TRIES = 100;
const LOCK_WAIT_MS = 20;
const STALE_LOCK_MS = 10_000;

/** Reads keys, and reads them again when the file changes. A file that goes away leaves no key; one that is damaged leaves those of
 *  before, and is said so.
 *  Errors: KeyFileError where there is no such file, or it is none of keys. */
export function openKeyFile(
  path: string,
  onProblem: (message: string) => void = (message) => console.error(message),
): KeyFile {
  let records = index(readKeys(path));
  let version = versionOf(path);
  const listeners = new Set<() => void>();
  const clock = setInterval(() => {
    const found = versionOf(path);
    if (found === version) return;
    version = found;
    try {
      records = found === undefined ? new Map() : index(readKeys(path));
    } catch (error) {
      if (!(error instanceof KeyFileError)) throw error;
      onProblem(`${error.message} The keys of before still hold.`);
      return;
    }
    for (const listener of listeners) listener();
  }, LOOK_MS);
  clock.unref();
  return {
    find: (id) => records.get(id),
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    close: () => clearInterval(clock),
  };
}

/** The keys in a file. Errors: KeyFileError. */
export function readKeys(path: string): KeyRecord[] {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (error) {
    throw new KeyFileError(`The keys in ${path} cannot be read (${codeOf(error)}).`, { cause: error });
  }
  const keys = parse(text);
  if (keys === undefined) throw new KeyFileError(`${path} is no file of keys of this version of Millrace.`);
  return keys;
}

/** Changes the keys in a file, which is made where there is none; only its owner can read it. Resolves with what `change` returns.
 *  Order:  two that change it at once do so one after the other.
 *  Errors: KeyFileError. */
export async function changeKeys<T>(
  path: string,
  change: (keys: readonly KeyRecord[]) => Promise<{ keys: readonly KeyRecord[]; result: T }>,
): Promise<T> {
  mkdirSync(dirname(path), { recursive: true });
  const unlock = await lock(path);
  try {
    const before = statSync(path, { throwIfNoEntry: false }) === undefined ? [] : readKeys(path);
    const { keys, result } = await change(before);
    const next = `${path}.next`;
    writeFileSync(next, `${JSON.stringify({ format: FORMAT, keys }, undefined, 2)}\n`, { mode: 0o600 });
    chmodSync(next, 0o600);
    // All of it or nothing: a server may be reading.
    renameSync(next, path);
    return result;
  } finally {
    unlock();
  }
}

async function lock(path: string): Promise<() => void> {
  const file = `${path}.lock`;
  for (let tries = 0; tries < LOCK_TRIES; tries++) {
    try {
      writeFileSync(file, String(process.pid), { flag: "wx" });
      return () => rmSync(file, { force: true });
    } catch (error) {
      if (codeOf(error) !== "EEXIST")
        throw new KeyFileError(`The keys in ${path} cannot be written (${codeOf(error)}).`, { cause: error });
      const age = Date.now() - (statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      // Whoever held it died.
      if (age > STALE_LOCK_MS) rmSync(file, { force: true });
      await new Promise((resolve) => setTimeout(resolve, LOCK_WAIT_MS));
    }
  }
  throw new KeyFileError(`Another command is changing ${path}. Try again.`);
}

function index(keys: readonly KeyRecord[]): Map<string, KeyRecord> {
  return new Map(keys.map((key) => [key.id, key]));
}

function versionOf(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && `${found.ino} ${found.mtimeMs} ${found.size}`;
}

function parse(text: string): KeyRecord[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || !("format" in value) || value.format !== FORMAT)
      return undefined;
    if (!("keys" in value) || !Array.isArray(value.keys)) return undefined;
    const keys: unknown[] = value.keys;
    return keys.every(isRecord) ? keys : undefined;
  } catch {
    // Not JSON: the same as another shape.
    return undefined;
  }
}

function isRecord(value: unknown): value is KeyRecord {
  // An object may be asked for any member: each is looked at below.
  const { id, digest, name, person, scopes, createdAt, expiresAt, revokedAt } = Object(value) as Record<
    string,
    unknown
  >;
  return (
    [id, digest, name, person].every((text) => typeof text === "string") &&
    /^[0-9a-f]{64}$/.test(String(digest)) &&
    Array.isArray(scopes) &&
    scopes.every((scope) => typeof scope === "string" && isScope(scope)) &&
    typeof createdAt === "number" &&
    [expiresAt, revokedAt].every((time) => time === undefined || typeof time === "number")
  );
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}
