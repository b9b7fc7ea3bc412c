import { StreamError } from "./error.ts";

/** A checked stream name, such as `scores` or `runs/k3j9x0q2`. */
export type StreamName = string & { readonly __brand: "StreamName" };

const SEGMENT = /^[A-Za-z0-9._~-]{1,64}$/;
const MAX_SEGMENTS = 8;
const MAX_NAME_BYTES = 200;
const RESERVED = new Set(["chats", "runs", "people", "sys"]);

/** Checks a name that came from outside.
 *  Shape:  1 to 8 segments of `[A-Za-z0-9._~-]{1,64}` joined by `/`, at most 200 bytes; no `.` or `..` segment.
 *  Errors: `invalid-name` 400.
 *  Source: PROTOCOL.md "Names". */
export function parseStreamName(raw: string): StreamName {
  const segments = raw.length > MAX_NAME_BYTES ? [] : raw.split("/");
  const isValid =
    segments.length >= 1 &&
    segments.length <= MAX_SEGMENTS &&
    segments.every((segment) => SEGMENT.test(segment) && segment !== "." && segment !== "..");
  if (!isValid) {
    const shown = raw.length > 60 ? `${raw.slice(0, 60)}… (${raw.length} characters)` : raw;
    throw new StreamError(
      "invalid-name",
      `${JSON.stringify(shown)} is not a stream name. Use 1 to 8 segments of A-Z a-z 0-9 . _ ~ - joined by "/", at most 64 characters each and 200 in all.`,
    );
  }
  return raw as StreamName; // checked above
}

/** Tells whether the server alone may write this name, so that nobody can forge an end. */
export function isReservedName(name: StreamName): boolean {
  return RESERVED.has(name.split("/", 1)[0] ?? "");
}

/** The stream behind a run. */
export function runStream(run: string): StreamName {
  return parseStreamName(`runs/${run}`);
}

/** The stream of a chat. */
export function chatStream(chat: string): StreamName {
  return parseStreamName(`chats/${chat}`);
}

/** The state stream that lists the chats of a principal. */
export function chatListStream(owner: string): StreamName {
  return parseStreamName(`people/${owner}/chats`);
}
