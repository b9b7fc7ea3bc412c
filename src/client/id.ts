/** A name for what a page makes: 20 characters of base36 from 96 random bits. Not `randomUUID`, which a page of an insecure
 *  origin lacks. */
export function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(20)), (byte) => (byte % 36).toString(36)).join("");
}
