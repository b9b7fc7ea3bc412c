import type { Context } from "hono";
import { StreamError } from "../protocol/error.ts";
import { isReservedName, parseStreamName } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";

/** The name in a request's path, which is written plainly: an escape is no part of it. Errors: `invalid-name` 400. */
export function requestName(context: Context, prefix: string): StreamName {
  return parseStreamName(new URL(context.req.url).pathname.slice(prefix.length));
}

/** The same for what only others than the server may write to. Errors: `invalid-name` 400; `reserved-name` 403. */
export function writableName(context: Context, prefix: string): StreamName {
  const name = requestName(context, prefix);
  if (!isReservedName(name)) return name;
  throw new StreamError(
    "reserved-name",
    `${name} belongs to the server, which alone writes it. Take a name that does not begin with chats, runs, people or sys.`,
  );
}
