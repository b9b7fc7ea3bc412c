import type { Context } from "hono";

/** Headers by request, beside Hono's own record of them: reading that one makes a whole Response, which costs more than all
 *  else that the opening of an event stream does. */
const added = new WeakMap<Request, Record<string, string>>();

/** Sets a header of the answer, whoever writes it: Hono, or an edge. */
export function setHeader(context: Context, name: string, value: string): void {
  context.header(name, value);
  const headers = added.get(context.req.raw) ?? {};
  headers[name.toLowerCase()] = value;
  added.set(context.req.raw, headers);
}

/** What `setHeader` has set, by names in lower case. */
export function setHeaders(context: Context): Record<string, string> {
  return added.get(context.req.raw) ?? {};
}
