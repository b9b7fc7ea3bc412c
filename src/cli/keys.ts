import { existsSync } from "node:fs";
import { join } from "node:path";
import { changeKeys, createKey, isPerson, KeyFileError, parseScopes, readKeys } from "../server.ts";
import type { KeyRecord } from "../server.ts";
import { CliError, EXIT } from "./exit.ts";
import type { KeyFlags, KeysFlags } from "./flags.ts";
import { dim } from "./output.ts";

const DAY_MS = 86_400_000;

/** Where a server with this data folder looks for keys. */
export function keyFile({ data, keys }: { data: string; keys?: string | undefined }): string {
  return keys ?? join(data, "keys.json");
}

/** Makes a key and prints it, once: only its digest is kept. */
export async function makeKey(name: string, flags: KeyFlags): Promise<void> {
  const scopes = parseScopes(flags.scopes);
  if (scopes === undefined || scopes.length === 0) {
    throw new CliError(
      EXIT.usage,
      `--scopes takes scopes such as "read:* run", not ${JSON.stringify(flags.scopes)}. There are read:, append:, close: and signal: with a name, a prefix such as teams/*, or *; run; admin.`,
    );
  }
  if (flags.person !== undefined && !isPerson(flags.person))
    throw new CliError(EXIT.usage, "--person takes 1 to 64 of A-Z a-z 0-9 . _ ~ -");
  const path = keyFile(flags);
  const isFirst = !existsSync(path);
  const now = Date.now();
  const { text, record } = await createKey(
    { name, person: flags.person, scopes, expiresAt: expiry(flags.days, now) },
    now,
  );
  await change(path, (keys) => [...keys, record]);
  process.stdout.write(`${text}\n`);
  const lines = [
    `Key ${record.id} (${name}) acts as ${record.person} and may: ${scopes.join(" ")}.`,
    "It is shown this once: keep it where secrets are kept.",
    ...(isFirst ? [`${path} is new: a server that runs has to be started again to ask for keys.`] : []),
  ];
  process.stderr.write(dim(`${lines.join("\n")}\n`, process.stderr));
}

/** Prints the keys there are, without what would open anything. */
export function listKeys(flags: KeysFlags): void {
  const path = keyFile(flags);
  const keys = existsSync(path) ? read(path) : [];
  if (flags.json === true) {
    const shown = keys.map((key) => ({ ...key, digest: undefined }));
    process.stdout.write(`${JSON.stringify(shown)}\n`);
    return;
  }
  if (keys.length === 0)
    process.stderr.write(`There are no keys in ${path}. Make one with: millrace keys create NAME\n`);
  for (const key of keys) {
    process.stdout.write(`${key.id}  ${state(key)}  ${key.name}  ${key.person}  ${key.scopes.join(" ")}\n`);
  }
}

/** Revokes a key: a server that runs closes what was opened with it within seconds. */
export async function revokeKey(id: string, flags: KeysFlags): Promise<void> {
  const path = keyFile(flags);
  if (!existsSync(path)) throw new CliError(EXIT.failed, `There are no keys in ${path}.`);
  await change(path, (keys) => {
    // Whoever has only the key itself names it by that.
    const wanted = /^mr_([a-z0-9]{12})_/.exec(id)?.[1] ?? id;
    if (!keys.some((key) => key.id === wanted))
      throw new CliError(
        EXIT.failed,
        `There is no key ${JSON.stringify(wanted)} in ${path}. See: millrace keys list`,
      );
    return keys.map((key) => (key.id === wanted ? { ...key, revokedAt: key.revokedAt ?? Date.now() } : key));
  });
  process.stderr.write("Revoked. What was opened with it is closed within seconds.\n");
}

async function change(path: string, to: (keys: readonly KeyRecord[]) => readonly KeyRecord[]): Promise<void> {
  await orCliError(() => changeKeys(path, (keys) => Promise.resolve({ keys: to(keys), result: undefined })));
}

function read(path: string): KeyRecord[] {
  try {
    return readKeys(path);
  } catch (error) {
    throw toCliError(error);
  }
}

async function orCliError<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw toCliError(error);
  }
}

function toCliError(error: unknown): unknown {
  return error instanceof KeyFileError ? new CliError(EXIT.failed, error.message) : error;
}

function expiry(days: string | undefined, now: number): number | undefined {
  if (days === undefined) return undefined;
  if (/^\d{1,4}$/.test(days) && Number(days) > 0) return now + Number(days) * DAY_MS;
  throw new CliError(
    EXIT.usage,
    `--days takes a number of days from 1 to 9999, not ${JSON.stringify(days)}.`,
  );
}

function state({ revokedAt, expiresAt }: KeyRecord): string {
  if (revokedAt !== undefined) return "revoked";
  if (expiresAt === undefined) return "good   ";
  return expiresAt > Date.now() ? `until ${new Date(expiresAt).toISOString().slice(0, 10)}` : "expired";
}
