import type { StreamName } from "../../protocol/names.ts";

/** What is done to a stream. */
export type StreamRight = "read" | "append" | "close" | "signal";

/** One thing that somebody may do: `run` starts answers; `admin` may everything and sees everything; the others name streams:
 *  `read:scores` exactly one, `read:teams/*` what begins so, `read:*` all whose names are not the server's own. `{me}` stands for
 *  who asks.
 *  Source: PROTOCOL.md "Who may". */
export type Scope = "admin" | "run" | `${StreamRight}:${string}`;

const SCOPE =
  /^(?:admin|run|(?:read|append|close|signal):(?:\*|(?:(?:[A-Za-z0-9._~-]|\{me\})+\/)*(?:(?:[A-Za-z0-9._~-]|\{me\})+|\*)))$/;
const MAX_SCOPE_LENGTH = 220;
const RESERVED = /^(?:chats|runs|people|sys)(?:\/|$)/;

/** Whether a text is a scope. */
export function isScope(text: string): text is Scope {
  return text.length <= MAX_SCOPE_LENGTH && SCOPE.test(text);
}

/** Scopes with spaces or commas between, such as `read:* run`; undefined if one of them is none. */
export function parseScopes(text: string): Scope[] | undefined {
  const parts = text.split(/[\s,]+/).filter((part) => part !== "");
  return parts.every(isScope) ? parts : undefined;
}

/** Scopes, ready to be asked. */
export interface Grants {
  isAdmin: boolean;
  mayRun: boolean;
  /** Whether they name this stream for this right. */
  covers(right: StreamRight, stream: StreamName): boolean;
}

/** Makes scopes ready to be asked, in the name of a person. Pure. */
export function compileScopes(scopes: readonly Scope[], person: string): Grants {
  const patterns: Record<StreamRight, string[]> = { read: [], append: [], close: [], signal: [] };
  for (const scope of scopes) {
    const [right = "", pattern] = scope.split(":", 2);
    if (pattern !== undefined && Object.hasOwn(patterns, right))
      patterns[right as StreamRight].push(pattern.replaceAll("{me}", person)); // one of its keys
  }
  return {
    isAdmin: scopes.includes("admin"),
    mayRun: scopes.includes("run") || scopes.includes("admin"),
    covers: (right, stream) => patterns[right].some((pattern) => matches(pattern, stream)),
  };
}

function matches(pattern: string, stream: StreamName): boolean {
  // Who means the server's own names says so: what is in them belongs to somebody.
  if (pattern === "*") return !RESERVED.test(stream);
  return pattern.endsWith("/*") ? stream.startsWith(pattern.slice(0, -1)) : pattern === stream;
}
