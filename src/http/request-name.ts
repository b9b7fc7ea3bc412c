import type { Context } from "hono";
import type { Chats } from "../chat/chats.ts";
import { StreamError } from "../protocol/error.ts";
import { isReservedName, parseStreamName } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";
import { checkRead } from "./auth/check-read.ts";

/** The name in a request's path, which is written plainly: an escape is no part of it. Errors: `invalid-name` 400. */
export function requestName(context: Context, prefix: string): StreamName {
  return parseStreamName(new URL(context.req.url).pathname.slice(prefix.length));
}

/** The same for what only others than the server may write to, by whoever has the right to.
 *  Errors: `invalid-name` 400; `reserved-name`, `forbidden` 403. */
export async function writableName(
  context: Context,
  prefix: string,
  right: "append" | "close" = "append",
): Promise<StreamName> {
  const name = refuseReserved(requestName(context, prefix));
  await accessOf(context).check(right, name);
  return name;
}

const CHAT = /^chats\/([^/]+)$/;

/** The same for what is asked beside the log, by whoever may read the stream; that of a chat has to exist.
 *  Errors: `invalid-name` 400; `forbidden` 403; `stream-unknown`, `chat-unknown` 404; `chat-deleted` 410. */
export async function readableName(
  context: Context,
  prefix: string,
  chats: Pick<Chats, "read">,
): Promise<StreamName> {
  const name = requestName(context, prefix);
  if ((await chatOf(context, name, chats)) === undefined) await checkRead(context, name);
  return name;
}

/** The chat that a name stands for, if it is this person's; undefined: the name is none of a chat. */
async function chatOf(
  context: Context,
  name: StreamName,
  chats: Pick<Chats, "read">,
): Promise<string | undefined> {
  const chat = CHAT.exec(name)?.[1];
  if (chat === undefined) return undefined;
  const { state } = await chats.read(accessOf(context).id, chat);
  if (state.deletedAt === undefined) return chat;
  throw new StreamError("chat-deleted", "This chat was deleted. Restore it first.");
}

/** The same for what is said beside the log. In a chat too: it is no event, so that it cannot be taken for one of the server's.
 *  Errors: `invalid-name` 400; `reserved-name`, `forbidden` 403; `chat-unknown` 404; `chat-deleted` 410. */
export async function audienceName(
  context: Context,
  prefix: string,
  chats: Pick<Chats, "read">,
): Promise<StreamName> {
  const name = requestName(context, prefix);
  if ((await chatOf(context, name, chats)) === undefined) {
    await accessOf(context).check("signal", refuseReserved(name));
  }
  return name;
}

/** A name that is not the server's own. Errors: `reserved-name` 403. */
export function refuseReserved(name: StreamName): StreamName {
  if (!isReservedName(name)) return name;
  throw new StreamError(
    "reserved-name",
    `${name} belongs to the server, which alone writes it. Take a name that does not begin with chats, runs, people or sys.`,
  );
}
