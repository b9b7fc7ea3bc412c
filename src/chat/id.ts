/** A name for a run, a message or a chat: 16 characters of base36 from 82 random bits. */
export function createId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => (byte % 36).toString(36)).join("");
}
