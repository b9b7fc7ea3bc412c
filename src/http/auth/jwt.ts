import { createRemoteJWKSet, errors, jwtVerify } from "jose";
import type { JWTPayload, JWTVerifyGetKey } from "jose";
import { StreamError } from "../../protocol/error.ts";
import type { Principal } from "./access.ts";
import { personOfSubject } from "./person.ts";
import { isScope } from "./scopes.ts";
import type { Scope } from "./scopes.ts";

export interface JwtOptions {
  /** Where the issuer publishes its keys, such as `https://id.example/.well-known/jwks.json`. Keys come from here alone, whatever a
   *  token names. */
  jwks: string;
  /** What `iss` must be. */
  issuer: string;
  /** What `aud` must hold. */
  audience: string;
  /** Signatures that are taken. Default: RS256, PS256, ES256, ES384, EdDSA, Ed25519. A shared secret (HS256) and none are never taken. */
  algorithms?: readonly string[];
  /** The claim that holds scopes, as text with spaces between or as a list; what is no scope of ours is passed over. Default
   *  `scope`. */
  scopeClaim?: string;
  /** What everybody with a token may, beside that. Default: nothing but what is their own. */
  scopes?: readonly Scope[];
}

/** Proves tokens. */
export interface JwtVerifier {
  /** Errors: `unauthorized` 401; `auth-unavailable` 503 where the issuer's keys cannot be had. */
  verify(token: string): Promise<Principal>;
}

const ALGORITHMS = ["RS256", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"];
const ASYMMETRIC = /^(?:(?:RS|PS|ES)(?:256|384|512)|EdDSA|Ed25519)$/;
const MAX_TOKEN_LENGTH = 8_192;
/** Clocks differ. */
const TOLERANCE_S = 5;
const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/;

/** Makes what proves an issuer's tokens.
 *  Errors: a plain Error for options with which nothing could be proved. */
export function createJwtVerifier(
  { jwks, issuer, audience, algorithms = ALGORITHMS, scopeClaim = "scope", scopes = [] }: JwtOptions,
  { now, keys }: { now: () => number; keys?: JWTVerifyGetKey },
): JwtVerifier {
  checkOptions(jwks, issuer, audience, algorithms);
  const keySet =
    keys ?? createRemoteJWKSet(new URL(jwks), { timeoutDuration: 5_000, cooldownDuration: 5_000 });
  return {
    async verify(token) {
      if (token.length > MAX_TOKEN_LENGTH) throw refused("it is too long.");
      try {
        const { payload } = await jwtVerify(token, keySet, {
          algorithms: [...algorithms],
          issuer,
          audience,
          requiredClaims: ["sub", "exp"],
          clockTolerance: TOLERANCE_S,
          currentDate: new Date(now()),
        });
        return await principalOf(payload);
      } catch (error) {
        throw toStreamError(error);
      }
    },
  };

  async function principalOf(payload: JWTPayload): Promise<Principal> {
    const { exp = 0 } = payload;
    const sub: unknown = payload.sub;
    if (typeof sub !== "string" || sub === "") throw refused("it names nobody.");
    return {
      id: await personOfSubject(sub),
      scopes: [...scopes, ...scopesIn(payload[scopeClaim])],
      expiresAt: exp * 1_000,
    };
  }
}

function checkOptions(jwks: string, issuer: string, audience: string, algorithms: readonly string[]): void {
  const url = URL.canParse(jwks) ? new URL(jwks) : undefined;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && LOOPBACK.test(url.hostname));
  if (!isSafe)
    throw new Error(
      `The address of the issuer's keys must begin with https://, not be ${JSON.stringify(jwks)}.`,
    );
  if (issuer === "" || audience === "")
    throw new Error(
      "A token's issuer and audience have to be named: without them another service's token would open this one.",
    );
  const weak = algorithms.find((algorithm) => !ASYMMETRIC.test(algorithm));
  if (weak !== undefined)
    throw new Error(
      `${JSON.stringify(weak)} proves nothing with published keys. Take one of ${ALGORITHMS.join(", ")}.`,
    );
}

function scopesIn(claim: unknown): Scope[] {
  const list: unknown[] = typeof claim === "string" ? claim.split(/\s+/) : Array.isArray(claim) ? claim : [];
  return list.filter((scope) => typeof scope === "string").filter(isScope);
}

function toStreamError(error: unknown): StreamError {
  if (error instanceof StreamError) return error;
  if (error instanceof errors.JWTExpired) return refused("it has expired. Get a new one.");
  if (error instanceof errors.JWTClaimValidationFailed)
    return refused(`its claim ${JSON.stringify(error.claim)} is not what it has to be.`);
  if (error instanceof errors.JWKSTimeout || !(error instanceof errors.JOSEError)) return unavailable(error);
  // What an issuer that is ill answers with is no word about the token.
  if (error.code === "ERR_JOSE_GENERIC" || error instanceof errors.JWKSInvalid) return unavailable(error);
  return refused("it was not signed by who may, or it is damaged.");
}

function refused(why: string): StreamError {
  return new StreamError("unauthorized", `This token is not taken: ${why}`);
}

function unavailable(cause: unknown): StreamError {
  return new StreamError(
    "auth-unavailable",
    "The keys that tokens are proved with cannot be had now. Ask again in a moment.",
    { cause },
  );
}
