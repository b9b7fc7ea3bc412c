import type { Context } from "hono";
import { StreamError } from "../../protocol/error.ts";
import type { StreamName } from "../../protocol/names.ts";
import { accessOf, forbidden } from "./access.ts";

/** Lets pass who may read a stream.
 *  Errors: `forbidden` 403; for somebody else's `stream-unknown` 404, as for one that does not exist. */
export async function checkRead(context: Context, stream: StreamName): Promise<void> {
  const verdict = await accessOf(context).reads(stream);
  if (verdict === "forbidden") throw forbidden(`read:${stream}`);
  if (verdict === "hidden") throw unknownStream(stream);
}

/** The answer to a name that nothing has. */
export function unknownStream(name: StreamName): StreamError {
  return new StreamError(
    "stream-unknown",
    `There is no stream ${name}. It is made by its first event, or by PUT.`,
  );
}
