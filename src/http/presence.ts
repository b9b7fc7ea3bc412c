import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import type { Chats } from "../chat/chats.ts";
import type { Presence } from "../hub/presence.ts";
import { StreamError } from "../protocol/error.ts";
import { accessOf } from "./auth/access.ts";
import { readBody } from "./body.ts";
import { audienceName, readableName } from "./request-name.ts";
import { SECRET, personOf, secretSchema } from "./who.ts";

const PREFIX = "/v1/presence/";
const MAX_BYTES = 512;

/** Who is here is no part of it: whoever names a person is refused. */
export const presenceSchema = z.strictObject({
  leave: z.boolean().optional().describe("I am going"),
  data: z.record(z.string(), z.unknown()).optional().describe("What I say of myself"),
  browser: secretSchema.optional().describe("A secret of this browser"),
});

/** `/v1/presence/{name}`: I am here, and who is. Source: PROTOCOL.md "Presence". */
export function presenceRoutes(presence: Presence, chats: Chats): Hono {
  const routes = new Hono();

  routes.post(`${PREFIX}*`, async (context) => {
    const stream = await audienceName(context, PREFIX, chats);
    const { body } = await readBody(context, presenceSchema, undefined, MAX_BYTES);
    const person = await personOf(accessOf(context), body.browser);
    if (body.leave === true) presence.leave(stream, person);
    else presence.renew(stream, person, body.data);
    return context.json({ person, renewMs: presence.renewMs, ...presence.view(stream) });
  });

  routes.get(`${PREFIX}*`, async (context) => {
    const view = presence.view(await readableName(context, PREFIX, chats));
    const browser = askedBrowser(context);
    const person = browser === undefined ? undefined : await personOf(accessOf(context), browser);
    return context.json({ ...(person !== undefined && { person }), ...view }, 200, {
      "cache-control": "no-store",
    });
  });

  return routes;
}

/** Lets a connection keep its browser present; returns what is to be called when it is gone. Undefined: it names no browser.
 *  Errors: `invalid-request` 400. */
export async function bindConnection(
  context: Context,
  presence: Presence,
): Promise<(() => void) | undefined> {
  const browser = askedBrowser(context);
  return browser === undefined ? undefined : presence.open(await personOf(accessOf(context), browser));
}

function askedBrowser(context: Context): string | undefined {
  const browser = context.req.query("browser");
  if (browser === undefined || SECRET.test(browser)) return browser;
  throw new StreamError("invalid-request", "browser: 16 to 64 of A-Z a-z 0-9 _ -, chosen at random.");
}
