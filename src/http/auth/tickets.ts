import { Hono } from "hono";
import { z } from "zod";
import { parseStreamName } from "../../protocol/names.ts";
import { readBody } from "../body.ts";
import { accessOf } from "./access.ts";
import { checkRead } from "./check-read.ts";
import type { Signer } from "./signed.ts";

/** As many as one connection may read and hear. */
const MAX_STREAMS = 64;
const MAX_SECONDS = 900;
const DEFAULT_SECONDS = 300;
const MAX_BYTES = 16_384;

/** The body of a request for a ticket. */
export const ticketSchema = z.strictObject({
  streams: z
    .array(z.string())
    .min(1)
    .max(MAX_STREAMS)
    .describe("What it opens: names, each of which may be read now."),
  seconds: z.number().int().min(1).max(MAX_SECONDS).optional().describe("How long it holds. Default 300."),
});

/** `POST /v1/tickets`: a ticket opens named streams for minutes, to whoever can send nothing but an address.
 *  Source: PROTOCOL.md "Who may". */
export function ticketRoutes(signer: Signer, now: () => number): Hono {
  const routes = new Hono();

  routes.post("/v1/tickets", async (context) => {
    const { body } = await readBody(context, ticketSchema, undefined, MAX_BYTES);
    const streams = [...new Set(body.streams)].map((name) => parseStreamName(name));
    for (const stream of streams) await checkRead(context, stream);
    const { principal, credential } = accessOf(context);
    // Whole seconds, as it is signed: none fewer than was asked for, and none more than whoever asks has left.
    const until = Math.ceil(now() / 1_000 + (body.seconds ?? DEFAULT_SECONDS));
    const expiresAt = Math.min(until, Math.floor((principal.expiresAt ?? Infinity) / 1_000)) * 1_000;
    const scopes = streams.map((stream) => `read:${stream}` as const);
    const ticket = await signer.sign("ticket", { person: principal.id, scopes, expiresAt, credential });
    context.header("Cache-Control", "no-store");
    return context.json({ ticket, expiresAt, streams }, 201);
  });

  return routes;
}
