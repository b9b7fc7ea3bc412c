import { z } from "zod";
import { sha256 } from "../protocol/hash.ts";
import type { Access } from "./auth/access.ts";

/** What a browser, or one of its windows, is known by here: made by it, and told to nobody else. */
export const SECRET = /^[A-Za-z0-9_-]{16,64}$/;

/** The same in a body. */
export const secretSchema = z.string().regex(SECRET, "16 to 64 of A-Z a-z 0-9 _ -, chosen at random");

/** The person behind a request: always the principal. Where that is the same for all, browsers that brought a secret are told apart,
 *  by what nobody can turn back into it.
 *  Source: docs/decisions/0005-who-is-here.md. */
export async function personOf(
  { id, isEverybody }: Pick<Access, "id" | "isEverybody">,
  browser: string | undefined,
): Promise<string> {
  return browser === undefined || !isEverybody ? id : `${id}.${await digest(`${id} browser ${browser}`)}`;
}

/** One window of a person; without a secret of its own, the person. */
export async function senderOf(person: string, window: string | undefined): Promise<string> {
  return window === undefined ? person : `${person}.${await digest(`${person} window ${window}`)}`;
}

async function digest(text: string): Promise<string> {
  return (await sha256(text)).slice(0, 16);
}
