import { Hono } from "hono";
import { z } from "zod";
import { StreamError } from "../../protocol/error.ts";
import { readBody } from "../body.ts";
import type { Access } from "./access.ts";
import type { Authenticator } from "./authenticate.ts";
import { clearCookie, setCookie } from "./cookie.ts";

const MAX_BYTES = 16_384;

/** The body of a sign-in. */
export const signInSchema = z.strictObject({
  key: z
    .string()
    .min(1)
    .max(8_192)
    .optional()
    .describe("A key or a token. Absent: somebody new, where guests are taken."),
});

/** `/v1/session`: a key or a token becomes a cookie that no script can read. Source: PROTOCOL.md "Who may". */
export function sessionRoutes(authenticator: Authenticator): Hono {
  const routes = new Hono();

  routes.post("/v1/session", async (context) => {
    const { body } = await readBody(context, signInSchema, {}, MAX_BYTES);
    if (!authenticator.isOn) throw nothingToSignInTo();
    const credentials =
      body.key === undefined ? authenticator.newGuest() : await authenticator.signIn(body.key.trim());
    await setCookie(context, authenticator.signer, credentials);
    const { person, expiresAt } = credentials.claim;
    return context.json({ person, expiresAt }, 201);
  });

  // For everybody: a page asks how it may sign in.
  routes.get("/v1/session", (context) => {
    context.header("Cache-Control", "no-store");
    const access: Access | undefined = context.get("access");
    return context.json({ ...describe(access), accepts: authenticator.accepts });
  });

  routes.delete("/v1/session", (context) => {
    clearCookie(context);
    return context.body(null, 204);
  });

  return routes;
}

function describe(access: Access | undefined): object {
  if (access === undefined) return { isKnown: false };
  const { id, scopes, expiresAt } = access.principal;
  return { isKnown: true, person: id, scopes, expiresAt, cookie: access.cookie };
}

function nothingToSignInTo(): StreamError {
  return new StreamError(
    "invalid-request",
    "Nobody has to sign in here: the server was started without keys.",
  );
}
