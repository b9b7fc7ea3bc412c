import type { Context } from "hono";
import { StreamError } from "../../protocol/error.ts";
import { Access, EVERYBODY } from "./access.ts";
import type { AccessOptions, Owners, Principal } from "./access.ts";
import { clearCookie, readCookie, setCookie } from "./cookie.ts";
import { createHeldReaders } from "./held-readers.ts";
import { createJwtVerifier } from "./jwt.ts";
import type { JwtOptions } from "./jwt.ts";
import { findKey, isKey, isValid } from "./keys.ts";
import type { KeyStore } from "./keys.ts";
import { isPerson } from "./person.ts";
import type { Scope } from "./scopes.ts";
import { MIN_SECRET_LENGTH, createSigner } from "./signed.ts";
import type { Claim, Credentials, Signer } from "./signed.ts";

/** Who may. Nothing of it given: everybody may everything, which is meant for one person at one machine. */
export interface AuthOptions {
  /** Decides by a request, before all else: who it is, and what they may. Undefined: it does not know them, and what else is given
   *  here is asked. */
  authorize?: Authorize | undefined;
  /** API keys, as `millrace keys` makes them. */
  keys?: KeyStore | undefined;
  /** Tokens of an issuer. */
  jwt?: JwtOptions | undefined;
  /** Everybody who opens a page is somebody of their own, by a cookie, and may this. */
  guests?: { scopes: readonly Scope[] } | undefined;
  /** What sessions and tickets are signed with, at least 32 characters. The same for all nodes. Default: a new one in each process. */
  secret?: string | undefined;
  /** How long a browser stays signed in, in milliseconds. Default 30 days. */
  sessionMs?: number | undefined;
}

/** Says who sent a request and what they may; undefined for one it does not know.
 *  Errors: a StreamError is answered as it is, such as `unauthorized`. */
export type Authorize = (request: Request) => Principal | undefined | Promise<Principal | undefined>;

export interface Authenticator {
  /** Whether anybody has to sign in. */
  readonly isOn: boolean;
  /** What a browser may sign in with. */
  readonly accepts: readonly ("key" | "token" | "guest")[];
  /** Finds out who sent a request. `isPage`: a page is asked for, which is for everybody.
   *  Errors: `unauthorized` 401; `auth-unavailable` 503. */
  admit(context: Context, isPage: boolean): Promise<void>;
  /** What to do where a browser signs in with a key or a token. Errors: those of `admit`. */
  signIn(text: string): Promise<Credentials>;
  /** Somebody new, if guests are taken. Errors: `unauthorized` 401. */
  newGuest(): Credentials;
  readonly signer: Signer;
  close(): void;
}

/** In the environment of a request: in whose name it is. */
export const AS = Symbol("as");
const DAY_MS = 86_400_000;
const TICKET_PATH = /^\/v1\/streams(?:\/|$)/;

/** Whether anybody has to say who they are. */
export function asksWho({ authorize, keys, jwt, guests }: AuthOptions): boolean {
  return [authorize, keys, jwt, guests].some((way) => way !== undefined);
}

/** Makes what finds out who sent a request.
 *  Errors: a plain Error for options with which nobody could be known. */
export function createAuthenticator(
  options: AuthOptions,
  { owners, now }: { owners: Owners; now: () => number },
): Authenticator {
  const { authorize, keys, guests, sessionMs = 30 * DAY_MS } = options;
  const secret = options.secret ?? `${crypto.randomUUID()}${crypto.randomUUID()}`;
  if (secret.length < MIN_SECRET_LENGTH)
    throw new Error(`The secret that sessions are signed with has at least ${MIN_SECRET_LENGTH} characters.`);
  const signer = createSigner(secret, now);
  const jwt = options.jwt && createJwtVerifier(options.jwt, { now });
  const isOn = asksWho(options);
  const held = createHeldReaders({ now, isValid: isCredentialValid });
  const stopListening = keys?.onChange?.(() => held.look());
  const everybody = accessFor(EVERYBODY, { isEverybody: true });

  function accessFor(
    principal: Principal,
    more: Pick<AccessOptions, "isEverybody" | "hasOwn" | "credential" | "cookie"> = {},
  ): Access {
    if (!isPerson(principal.id))
      throw new Error(`A person is 1 to 64 of A-Z a-z 0-9 . _ ~ -, not ${JSON.stringify(principal.id)}.`);
    return new Access({ principal, owners, hold: (access, reader) => held.hold(access, reader), ...more });
  }

  function isCredentialValid(id: string): boolean {
    const record = keys?.find(id);
    return record !== undefined && isValid(record, now());
  }

  async function find(context: Context): Promise<Access | undefined> {
    const { raw, path } = context.req;
    const given: Principal | undefined = envPrincipal(context) ?? (await authorize?.(raw));
    if (given !== undefined) return accessFor(given);
    const bearer = /^Bearer +(\S+)$/i.exec(raw.headers.get("authorization") ?? "")?.[1];
    if (bearer !== undefined) return byBearer(bearer);
    const ticket = TICKET_PATH.test(path) ? context.req.query("ticket") : undefined;
    // Whoever shows what does not hold is told so: never taken for somebody else.
    if (ticket !== undefined) return byTicket(context, ticket);
    const cookie = readCookie(raw);
    return cookie === undefined ? undefined : bySession(cookie);
  }

  async function byBearer(text: string): Promise<Access> {
    if (isKey(text) || jwt === undefined) return byKey(text);
    return accessFor(await jwt.verify(text));
  }

  async function byKey(text: string): Promise<Access> {
    const record = keys && (await findKey(text, keys, now()));
    if (record !== undefined) return byRecord(record.id);
    throw refused("This key is not taken: it was mistyped, was revoked, or its time is over.");
  }

  /** What a key may now, whatever it was when a session began. */
  function byRecord(id: string, until?: number, cookie?: "session"): Access {
    const record = keys?.find(id);
    if (record === undefined || !isValid(record, now()))
      throw refused("The key of this session holds no longer.");
    const { person, scopes } = record;
    const expiresAt = Math.min(until ?? Infinity, record.expiresAt ?? Infinity);
    return accessFor(
      { id: person, scopes, ...(expiresAt !== Infinity && { expiresAt }) },
      { credential: id, cookie },
    );
  }

  async function byTicket(context: Context, text: string): Promise<Access> {
    const claim =
      context.req.method === "GET" || context.req.method === "HEAD"
        ? await signer.verify("ticket", text)
        : undefined;
    if (claim === undefined)
      throw refused("This ticket is not taken: it is damaged, or its time is over. Get another one.");
    return byClaim(claim, { hasOwn: false });
  }

  async function bySession(text: string): Promise<Access> {
    const session = await signer.verify("session", text);
    if (session !== undefined) {
      return session.credential === undefined
        ? byClaim(session, { cookie: "session" })
        : byRecord(session.credential, session.expiresAt, "session");
    }
    const guest = guests && (await signer.verify("guest", text));
    // What guests may is said by the server of today.
    if (guest !== undefined) return byClaim({ ...guest, scopes: guests?.scopes ?? [] }, { cookie: "guest" });
    throw refused("You are signed out: the session is over. Sign in to go on.");
  }

  function byClaim(
    { person, scopes, expiresAt, credential }: Claim,
    more: Pick<AccessOptions, "hasOwn" | "cookie">,
  ): Access {
    if (credential !== undefined && !isCredentialValid(credential))
      throw refused("The key behind this ticket holds no longer.");
    return accessFor({ id: person, scopes, expiresAt }, { ...more, credential });
  }

  async function admitPage(context: Context): Promise<void> {
    try {
      const access = await find(context);
      if (access !== undefined) context.set("access", access);
      else if (guests !== undefined && isNavigation(context.req.raw))
        await setCookie(context, signer, newGuest());
    } catch (error) {
      if (!(error instanceof StreamError)) throw error;
      // The page is for everybody, and says that who opened it is signed out. What was a guest's is of no use to anybody any more.
      if (error.code === "unauthorized" && readCookie(context.req.raw) !== undefined && guests !== undefined)
        clearCookie(context);
    }
  }

  function newGuest(): Credentials {
    if (guests === undefined) throw refused("Sign in with a key.");
    const person = `guest-${crypto.randomUUID().replaceAll("-", "").slice(0, 20)}`;
    return { kind: "guest", claim: { person, scopes: [], expiresAt: now() + sessionMs } };
  }

  return {
    isOn,
    accepts: [
      ...(keys === undefined ? [] : (["key"] as const)),
      ...(jwt === undefined ? [] : (["token"] as const)),
      ...(guests === undefined ? [] : (["guest"] as const)),
    ],
    signer,
    async admit(context, isPage) {
      // Who says in whose name it asks is held to it, also where nobody has to sign in.
      if (!isOn && envPrincipal(context) === undefined) context.set("access", everybody);
      else if (isPage) await admitPage(context);
      else {
        const access = await find(context);
        if (access === undefined) throw refused("You are signed out. Sign in to go on.");
        context.set("access", access);
      }
    },
    async signIn(text) {
      const { principal, credential } = await byBearer(text);
      const expiresAt = Math.min(now() + sessionMs, principal.expiresAt ?? Infinity);
      const scopes = credential === undefined ? principal.scopes : [];
      return { kind: "session", claim: { person: principal.id, scopes, expiresAt, credential } };
    },
    newGuest,
    close() {
      stopListening?.();
      held.close();
    },
  };
}

/** Who calls from within this process, and says who they are. */
function envPrincipal(context: Context): Principal | undefined {
  const env: unknown = context.env;
  // Only our own `fetchAs` sets it: neither a request from outside nor another runtime's second argument has a way to.
  return typeof env === "object" && env !== null && AS in env ? (env[AS] as Principal) : undefined;
}

function isNavigation(request: Request): boolean {
  const mode = request.headers.get("sec-fetch-mode");
  const isDocument =
    mode === "navigate" || (mode === null && (request.headers.get("accept") ?? "").includes("text/html"));
  return request.method === "GET" && isDocument && !request.headers.has("sec-purpose");
}

function refused(message: string): StreamError {
  return new StreamError("unauthorized", message);
}
