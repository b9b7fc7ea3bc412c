import { randomId } from "./id.ts";

const PLACE = "millrace-browser";

/** The part of the browser's localStorage that is used. */
export interface StorageLike {
  getItem(name: string): string | null;
  setItem(name: string, value: string): void;
}

/** A secret by which a server knows this browser again, in all its tabs; where nothing can be stored, of this page alone. It is told
 *  to the server and to nobody else: others see a digest.
 *  Source: PROTOCOL.md "Signals". */
export function browserSecret(storage?: StorageLike): string {
  try {
    const store = storage ?? (globalThis as { localStorage?: StorageLike }).localStorage; // Node has none
    const known = store?.getItem(PLACE);
    if (known !== undefined && known !== null && /^[\w-]{16,64}$/.test(known)) return known;
    const made = randomId();
    store?.setItem(PLACE, made);
    // Of two tabs that made one at the same time, the later wins in both.
    return store?.getItem(PLACE) ?? made;
  } catch {
    // Storage is refused to this page: it is a browser of its own, which costs no more than a person counted twice.
    return randomId();
  }
}
