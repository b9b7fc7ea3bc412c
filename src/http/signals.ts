import { Hono } from "hono";
import { z } from "zod";
import type { Chats } from "../chat/chats.ts";
import type { Signals } from "../hub/signals.ts";
import { accessOf } from "./auth/access.ts";
import { readBody } from "./body.ts";
import { audienceName } from "./request-name.ts";
import { personOf, secretSchema, senderOf } from "./who.ts";

const PREFIX = "/v1/signals/";
const MAX_BYTES = 4_096;

/** Who sends is no part of it: whoever names a person or a sender is refused. */
export const signalSchema = z.strictObject({
  kind: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,31}$/, "1 to 32 of a-z 0-9 -, such as typing")
    .describe("What it is about, such as `typing`"),
  stop: z.boolean().optional().describe("It holds no longer"),
  data: z.record(z.string(), z.unknown()).optional().describe("What is said, of oneself too"),
  browser: secretSchema.optional().describe("A secret of this browser"),
  window: secretSchema.optional().describe("A secret of this window"),
});

/** `POST /v1/signals/{name}`. Source: PROTOCOL.md "Signals". */
export function signalRoutes(signals: Signals, chats: Chats): Hono {
  const routes = new Hono();

  routes.post(`${PREFIX}*`, async (context) => {
    const stream = await audienceName(context, PREFIX, chats);
    const { body } = await readBody(context, signalSchema, undefined, MAX_BYTES);
    const person = await personOf(accessOf(context), body.browser);
    const sender = await senderOf(person, body.window);
    signals.send({ stream, kind: body.kind, person, sender, stop: body.stop ?? false, data: body.data });
    return context.json({ person, sender }, 202);
  });

  return routes;
}
