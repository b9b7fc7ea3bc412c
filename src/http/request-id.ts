import type { Context } from "hono";
import { setHeader } from "./headers.ts";

declare module "hono" {
  interface ContextVariableMap {
    requestId: string;
  }
}

/** What a proxy before us may have named a request: short, and nothing that could break a line of a log. */
const GIVEN = /^[A-Za-z0-9._:-]{8,128}$/;

/** Gives a request the name under which logs, runs and readers know it: the one that it brings as `X-Request-Id`, or a new one. The
 *  answer says it. Source: PROTOCOL.md "Every request". */
export function nameRequest(context: Context): string {
  const given = context.req.header("x-request-id");
  const id =
    given !== undefined && GIVEN.test(given) ? given : `req_${crypto.randomUUID().replaceAll("-", "")}`;
  context.set("requestId", id);
  setHeader(context, "X-Request-Id", id);
  return id;
}
