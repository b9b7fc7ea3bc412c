import { addressOf } from "./base.ts";
import { createKept } from "./kept.ts";

/** When somebody signed out in this browser last: every page that was open then begins anew. */
const keptSignOut = createKept("signed-out");

/** Begins the page anew once somebody has signed out, here or in another tab: what it shows is theirs. */
export function followSignOut(): void {
  const before = keptSignOut.get();
  const look = () => {
    if (keptSignOut.get() !== before) location.reload();
  };
  keptSignOut.subscribe(look);
  // A page that the browser had put away was told nothing meanwhile.
  addEventListener("pageshow", look);
}

/** Whether this browser is signed in by a cookie of its own, which can be given back. What a guest has would be lost with theirs. */
export async function isSignedIn(): Promise<boolean> {
  const response = await fetch(addressOf("/v1/session"));
  const { cookie } = (await response.json()) as { cookie?: string };
  return cookie === "session";
}

/** Gives the cookie back, and begins all pages of this browser anew.
 *  Errors: a plain Error where the server was not reached, and nothing has changed. */
export async function signOut(): Promise<void> {
  const response = await fetch(addressOf("/v1/session"), { method: "DELETE" }).catch(() => undefined);
  if (response?.ok !== true) throw new Error("The server cannot be reached: you are still signed in.");
  keptSignOut.set(String(Date.now()));
}
