import { z } from "zod";
import { signInSchema } from "../auth/session.ts";
import { ticketSchema } from "../auth/tickets.ts";
import type { Operations } from "./operation.ts";

const time = z.number().meta({ description: "Unix milliseconds." });

/** Who asks, and what they may. */
export const AUTH_OPERATIONS: Operations = {
  "POST /v1/session": {
    tag: "Who may",
    summary: "Sign in",
    description:
      "A key or a token becomes a cookie that no script can read. Without one: somebody new, where guests are taken.",
    body: signInSchema,
    isBodyOptional: true,
    example: { key: "mr_…" },
    answers: {
      "201": {
        description: "The browser is signed in.",
        schema: z.strictObject({ person: z.string(), expiresAt: time }),
        headers: { "Set-Cookie": "`HttpOnly`, `SameSite=Strict`; `Secure` behind TLS." },
      },
    },
    errors: ["unauthorized", "auth-unavailable"],
  },
  "GET /v1/session": {
    tag: "Who may",
    summary: "Who is known by this request",
    answers: {
      "200": {
        description: "Who it is, or that it is nobody, and what may be signed in with.",
        schema: z.looseObject({
          isKnown: z.boolean(),
          person: z.string().optional(),
          scopes: z.array(z.string()).optional(),
          expiresAt: time.optional(),
          cookie: z
            .enum(["session", "guest"])
            .optional()
            .describe("The cookie that says so, and that `DELETE` takes away. Absent: something else does."),
          accepts: z.array(z.enum(["key", "token", "guest"])),
        }),
      },
    },
  },
  "DELETE /v1/session": {
    tag: "Who may",
    summary: "Sign out",
    answers: { "204": { description: "The browser has forgotten its cookie." } },
  },
  "POST /v1/tickets": {
    tag: "Who may",
    summary: "A ticket to read named streams for some minutes",
    description:
      "For whoever can send nothing but an address, such as an `EventSource`: `?ticket=` at `/v1/streams` and `/v1/streams/{name}`.",
    body: ticketSchema,
    example: { streams: ["scores"] },
    answers: {
      "201": {
        description: "It was signed.",
        schema: z.strictObject({ ticket: z.string(), expiresAt: time, streams: z.array(z.string()) }),
      },
    },
    errors: ["invalid-name", "forbidden", "stream-unknown"],
  },
};
