import type { Entry, ReasoningDelta, TextDelta, ToolInputDelta } from "./event.ts";

type Delta = TextDelta | ReasoningDelta | ToolInputDelta;

/** A row of deltas kept as one: the merged event, and how much of its text each delta brought. */
export interface Segment {
  /** The offset of its first delta. */
  first: number;
  /** Length of each delta's text, in UTF-16 code units. Offsets are contiguous from `first`. */
  lengths: readonly number[];
  /** When its last delta was appended, in Unix milliseconds. */
  at: number;
  event: Delta;
}

/** The text of one merged delta is at most this long, in UTF-16 code units. */
const MAX_MERGED_LENGTH = 65_536;

/** Merges neighbouring deltas of one message, of one kind and one call, whatever they were merged from before.
 *  Shape: the texts joined in order; `span` is the sum of the spans.
 *  Law:   folding the result equals folding the parts. */
export function mergeEntries(entries: readonly Entry[]): Entry[] {
  const merged: Entry[] = [];
  for (const part of toParts(entries)) {
    merged.push("lengths" in part ? segmentEntry(part) : part);
  }
  return merged;
}

/** A whole segment as one entry. */
export function segmentEntry(segment: Segment): Entry {
  const span = segment.lengths.length;
  return deltaEntry(segment.event, segment.first + span - 1, span, segment.at);
}

/** Splits entries into segments of neighbouring deltas and the entries that cannot be merged. */
export function toParts(entries: readonly Entry[]): (Segment | Entry)[] {
  const parts: (Segment | Entry)[] = [];
  let open:
    | { first: number; lengths: number[]; texts: string[]; size: number; at: number; delta: Delta }
    | undefined;
  const close = () => {
    if (open === undefined) return;
    const { first, lengths, texts, at, delta } = open;
    parts.push({ first, lengths, at, event: { ...delta, text: texts.join("") } });
    open = undefined;
  };
  for (const entry of entries) {
    const delta = entry.span === 1 ? parseDelta(entry.data) : undefined;
    if (delta === undefined) {
      close();
      parts.push(entry);
      continue;
    }
    const continues =
      open !== undefined &&
      open.delta.type === delta.type &&
      open.delta.message === delta.message &&
      callOf(open.delta) === callOf(delta) &&
      open.size + delta.text.length <= MAX_MERGED_LENGTH;
    if (!continues) close();
    open ??= { first: entry.offset, lengths: [], texts: [], size: 0, at: entry.at, delta };
    open.lengths.push(delta.text.length);
    open.texts.push(delta.text);
    open.size += delta.text.length;
    open.at = entry.at;
  }
  close();
  return parts;
}

/** The part of a segment that follows `after`, as one entry whose text is at most about `maxLength` long (one delta at least).
 *  Undefined when nothing follows. */
export function cutSegment(
  segment: Segment,
  after: number,
  maxLength = MAX_MERGED_LENGTH,
): Entry | undefined {
  const skipped = Math.max(0, after - segment.first + 1);
  const { lengths } = segment;
  if (skipped >= lengths.length) return undefined;
  let start = 0;
  for (let i = 0; i < skipped; i++) start += lengths[i] ?? 0;
  let end = start;
  let taken = 0;
  for (let i = skipped; i < lengths.length; i++) {
    const length = lengths[i] ?? 0;
    if (taken > 0 && end - start + length > maxLength) break;
    end += length;
    taken += 1;
  }
  const text = segment.event.text.slice(start, end);
  return deltaEntry({ ...segment.event, text }, segment.first + skipped + taken - 1, taken, segment.at);
}

/** How the JSON text of a delta begins; its text as JSON and a brace follow. */
export function deltaHead(type: Delta["type"], message: string, call?: string): string {
  return JSON.stringify({ type, message, call }).slice(0, -1) + TEXT_MEMBER;
}

/** The text of a delta that was not merged, as it stands in its JSON, with its quotes: a third of the cost of reading it and writing
 *  it again. Undefined: it is something else. */
export function deltaText(data: string, type: "text-delta" | "reasoning-delta"): string | undefined {
  // Within JSON text every quote that is part of a string has a backslash before it.
  if (!data.startsWith(`{"type":"${type}","message":"`) || !data.endsWith('"}')) return undefined;
  const at = data.indexOf(`"${TEXT_MEMBER}`);
  return at === -1 ? undefined : data.slice(at + 1 + TEXT_MEMBER.length, -1);
}

const TEXT_MEMBER = ',"text":';

/** The JSON of a delta with this text, as a writer would have written it. */
export function deltaData(delta: Delta, text: string): string {
  return `${deltaHead(delta.type, delta.message, callOf(delta))}${JSON.stringify(text)}}`;
}

function deltaEntry(delta: Delta, offset: number, span: number, at: number): Entry {
  const data = deltaData(delta, delta.text);
  return { offset, span, at, data: span === 1 ? data : `${data.slice(0, -1)},"span":${span}}` };
}

function callOf(delta: Delta): string | undefined {
  return delta.type === "tool-input-delta" ? delta.call : undefined;
}

function parseDelta(data: string): Delta | undefined {
  // Cheaper than parsing what cannot be a delta: our own events are written type first.
  if (
    !data.startsWith('{"type":"text-delta"') &&
    !data.startsWith('{"type":"reasoning-delta"') &&
    !data.startsWith('{"type":"tool-input-delta"')
  )
    return undefined;
  return JSON.parse(data) as Delta; // only the runner writes streams of kind chat
}
