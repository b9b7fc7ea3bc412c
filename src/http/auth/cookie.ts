import type { Context } from "hono";
import { setHeader } from "../headers.ts";
import type { Credentials, Signer } from "./signed.ts";

/** The cookie that keeps a browser signed in. */
export const SESSION_COOKIE = "millrace_session";

/** The session that a browser brings. */
export function readCookie(request: Request): string | undefined {
  const cookies = request.headers.get("cookie");
  if (cookies === null) return undefined;
  for (const part of cookies.split(";")) {
    const at = part.indexOf("=");
    if (part.slice(0, at).trim() === SESSION_COOKIE) return part.slice(at + 1).trim();
  }
  return undefined;
}

/** Lets a browser bring this from now on: no script can read it, and no page of another site makes it be sent. */
export async function setCookie(
  context: Context,
  signer: Signer,
  { kind, claim }: Credentials,
): Promise<void> {
  write(context, await signer.sign(kind, claim), claim.expiresAt);
}

/** Lets a browser forget it. */
export function clearCookie(context: Context): void {
  write(context, "", 0);
}

function write(context: Context, value: string, expiresAt: number): void {
  const secure = isSecure(context.req.raw) ? "; Secure" : "";
  setHeader(
    context,
    "Set-Cookie",
    `${SESSION_COOKIE}=${value}; Path=/; Expires=${new Date(expiresAt).toUTCString()}; HttpOnly; SameSite=Strict${secure}`,
  );
}

/** Whether the browser speaks TLS, here or with the proxy before us. What a page sends says so by its origin. */
function isSecure(request: Request): boolean {
  const origin = request.headers.get("origin") ?? "";
  const proxied = request.headers.get("x-forwarded-proto") ?? "";
  return origin.startsWith("https:") || proxied.startsWith("https") || request.url.startsWith("https:");
}
