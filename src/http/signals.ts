import { Hono } from "hono";
import { z } from "zod";
import type { Signals } from "../hub/signals.ts";
import { readBody } from "./body.ts";
import { writableName } from "./request-name.ts";
import { personOf, secretSchema, senderOf } from "./who.ts";

const PREFIX = "/v1/signals/";
const MAX_BYTES = 4_096;

/** Who sends is no part of it: whoever names a person or a sender is refused. */
const signalSchema = z.strictObject({
  kind: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, "1 to 32 of a-z 0-9 -, such as typing"),
  stop: z.boolean().optional(),
  data: z.record(z.string(), z.unknown()).optional(),
  browser: secretSchema.optional(),
  window: secretSchema.optional(),
});

/** `POST /v1/signals/{name}`. Source: PROTOCOL.md "Signals". */
export function signalRoutes(signals: Signals): Hono {
  const routes = new Hono();

  routes.post(`${PREFIX}*`, async (context) => {
    const stream = writableName(context, PREFIX);
    const { body } = await readBody(context, signalSchema, undefined, MAX_BYTES);
    const person = await personOf(body.browser);
    const sender = await senderOf(person, body.window);
    signals.send({ stream, kind: body.kind, person, sender, stop: body.stop ?? false, data: body.data });
    return context.json({ person, sender }, 202);
  });

  return routes;
}
