import type { RedisAccess, RedisAddress } from "./redis-link.ts";

/** What an address of Redis says. */
export interface RedisTarget {
  seeds: RedisAddress[];
  access: RedisAccess;
  /** With what all keys begin. */
  prefix: string;
  /** The address without a password, for people. */
  shown: string;
}

/** Redis cannot be reached at the start, or cannot hold a log; its text is for people. */
export class RedisLogError extends Error {
  override name = "RedisLogError";
}

const URL_PATTERN = /^(rediss?):\/\/(?:([^@/]*)@)?([^/?]+)(?:\/(\d*))?(?:\?(.*))?$/;

/** Reads `redis://[user:password@]host[:port][,host[:port]…][/db][?prefix=millrace]`.
 *  Errors: RedisLogError. */
export function parseRedisUrl(url: string): RedisTarget {
  const match = URL_PATTERN.exec(url);
  if (match === null) {
    // Without a password.
    const shown = url.replace(/\/\/.*@/s, "//").slice(0, 200);
    throw new RedisLogError(
      `${JSON.stringify(shown)} is no address of Redis, such as redis://127.0.0.1:6379.`,
    );
  }
  const [, scheme, credentials, hosts = "", db, query] = match;
  const [username, password] = readCredentials(credentials);
  return {
    seeds: hosts.split(",").map(readAddress),
    access: {
      ...(username !== undefined && username !== "" && { username }),
      ...(password !== undefined && { password }),
      ...(db !== undefined && db !== "" && { db: Number(db) }),
      ...(scheme === "rediss" && { tls: {} }),
    },
    prefix: new URLSearchParams(query).get("prefix") ?? "millrace",
    shown: `${scheme}://${hosts}`,
  };
}

function readCredentials(text: string | undefined): [username?: string, password?: string] {
  if (text === undefined) return [];
  const at = text.indexOf(":");
  try {
    if (at === -1) return [decodeURIComponent(text)];
    return [decodeURIComponent(text.slice(0, at)), decodeURIComponent(text.slice(at + 1))];
  } catch {
    // The error of its own shows the password.
    throw new RedisLogError(
      "User and password of the address of Redis are not escaped: write % as %25, @ as %40.",
    );
  }
}

function readAddress(text: string): RedisAddress {
  const [, host = text, port = "6379"] = /^(.*?)(?::(\d+))?$/.exec(text) ?? [];
  return { host: host.replace(/^\[(.*)\]$/, "$1"), port: Number(port) };
}
