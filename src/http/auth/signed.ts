import { SignJWT, errors, jwtVerify } from "jose";
import { z } from "zod";
import { sha256 } from "../../protocol/hash.ts";
import { isPerson } from "./person.ts";
import { isScope } from "./scopes.ts";
import type { Scope } from "./scopes.ts";

/** What is signed: a browser's session, a guest's, or a ticket to read. One is never taken for another. */
export type SignedKind = "session" | "guest" | "ticket";

/** What a signed text says. */
export interface Claim {
  person: string;
  scopes: readonly Scope[];
  /** Unix milliseconds, in whole seconds. */
  expiresAt: number;
  /** The key with which it was got: when that is revoked, this is void. */
  credential?: string | undefined;
}

/** What a browser is signed in with. */
export interface Credentials {
  kind: "session" | "guest";
  claim: Claim;
}

/** Signs what a client is to bring back, so that any node with the same secret knows it, and none has to remember it. */
export interface Signer {
  sign(kind: SignedKind, claim: Claim): Promise<string>;
  /** What it says; undefined for what is damaged, of another kind, of another server, or over. */
  verify(kind: SignedKind, text: string): Promise<Claim | undefined>;
}

export const MIN_SECRET_LENGTH = 32;
const MAX_LENGTH = 8_192;

const payloadSchema = z.object({
  sub: z.string().refine(isPerson),
  scopes: z.array(z.string().refine(isScope)),
  exp: z.number(),
  key: z.string().optional(),
});

/** Makes a signer. The secret is a text of at least 32 characters that nobody could guess. */
export function createSigner(secret: string, now: () => number): Signer {
  // A key of its own for each kind: not even a mistake in what is checked could turn one into another.
  const keys = new Map<SignedKind, Promise<Uint8Array>>();
  const keyOf = (kind: SignedKind): Promise<Uint8Array> => {
    const known = keys.get(kind) ?? sha256(`millrace ${kind} ${secret}`).then(bytesOf);
    keys.set(kind, known);
    return known;
  };
  return {
    async sign(kind, { person, scopes, expiresAt, credential }) {
      return await new SignJWT({ scopes: [...scopes], ...(credential !== undefined && { key: credential }) })
        .setProtectedHeader({ alg: "HS256" })
        .setSubject(person)
        .setExpirationTime(Math.floor(expiresAt / 1_000))
        .sign(await keyOf(kind));
    },
    async verify(kind, text) {
      if (text.length > MAX_LENGTH) return undefined;
      try {
        const options = { algorithms: ["HS256"], currentDate: new Date(now()), requiredClaims: ["exp"] };
        const { payload } = await jwtVerify(text, await keyOf(kind), options);
        const { sub, scopes, exp, key } = payloadSchema.parse(payload);
        return { person: sub, scopes, expiresAt: exp * 1_000, credential: key };
      } catch (error) {
        if (error instanceof errors.JOSEError || error instanceof z.ZodError) return undefined;
        throw error;
      }
    },
  };
}

function bytesOf(hex: string): Uint8Array {
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}
