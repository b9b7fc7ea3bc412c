/** The event that every scenario publishes: JSON of one size, with a mark that a reader finds by scanning bytes.
 *  The mark is `~T` + 16 digits (µs of the machine's monotonic clock) + `p` + 2 digits (publisher) + `n` + 8 digits (its
 *  sequence). It needs no escape in JSON, so it passes through every server as it is. */

export const EVENT_BYTES = 120;
export const TILDE = 0x7e;
export const MARK_LENGTH = 2 + 16 + 1 + 2 + 1 + 8;
/** The publisher whose events close a measurement: every reader waits for them. */
export const FENCE = 99;

const HEAD = '{"type":"tick","mark":"';
const TAIL = '","pad":"';
const PAD = "x".repeat(EVENT_BYTES - HEAD.length - MARK_LENGTH - TAIL.length - 2);

/** Microseconds of a clock that all processes of this machine share. */
export function nowMicros() {
  const [seconds, nanos] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanos / 1000);
}

export function makeMark(publisher, sequence) {
  const time = String(nowMicros()).padStart(16, "0");
  return `~T${time}p${String(publisher).padStart(2, "0")}n${String(sequence).padStart(8, "0")}`;
}

/** An event of 120 bytes that says when it was made. */
export function makeEvent(publisher, sequence) {
  return `${HEAD}${makeMark(publisher, sequence)}${TAIL}${PAD}"}`;
}

/** A token of a chat answer, as small as it can be with its mark: 41 bytes. */
export function makeToken(publisher, sequence) {
  return `{"text":"${makeMark(publisher, sequence)}"}`;
}

/** What a fence looks like on the wire, whenever it was made. */
export function fenceText(sequence) {
  return `p${FENCE}n${String(sequence).padStart(8, "0")}`;
}

export function readDigits(bytes, from, count) {
  let value = 0;
  for (let index = from; index < from + count; index += 1) value = value * 10 + bytes[index] - 48;
  return value;
}
