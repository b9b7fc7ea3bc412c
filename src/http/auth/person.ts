import { sha256 } from "../../protocol/hash.ts";

const PERSON = /^[A-Za-z0-9._~-]{1,64}$/;
const PLAIN = /^[A-Za-z0-9._-]$/;
/** Names that this server gives itself: nobody else's token may say them. */
const OURS = /^(?:local$|key-|guest-)/;
const MAX_LENGTH = 64;

/** Whether a text can stand for a person: it is a segment of stream names. */
export function isPerson(text: string): boolean {
  return PERSON.test(text) && text !== "." && text !== "..";
}

/** The person that another issuer's name stands for: the same text where that can be, else one that no other name becomes.
 *  Shape:  what is no letter of a person's is escaped as `~` and two hex digits a byte; what is too long is `~~` and a digest. */
export async function personOfSubject(subject: string): Promise<string> {
  const bytes = [...new TextEncoder().encode(subject)];
  const isWhole = !OURS.test(subject) && !/^\.{1,2}$/.test(subject);
  const escaped = bytes
    .map((byte, index) => {
      const letter = String.fromCharCode(byte);
      const isPlain = PLAIN.test(letter) && (index > 0 || isWhole);
      return isPlain ? letter : `~${byte.toString(16).padStart(2, "0")}`;
    })
    .join("");
  return escaped.length <= MAX_LENGTH ? escaped : `~~${(await sha256(subject)).slice(0, 60)}`;
}
