import { epochOf, isAhead, offsetOf } from "./position.ts";

/** What a person has said of notifications: an event of the `state` stream beside theirs.
 *  Source: docs/guide/notifications.md. */
export type Mark =
  /** A notification was read, `key` is its cursor; with `all`, and everything before it. */
  | { type: "read"; key: string; all?: true }
  | { type: "mute"; key: string; topic: string }
  | { key: string; deleted: true };

export type Marks = ReadonlyMap<string, Mark>;

const MUTE = "mute/";
/** A key of a stream has at most 256 characters. */
const MAX_TOPIC = 200;
/** The most events of one append. */
const MAX_MARKS = 1_000;

/** The topic of a notification, by which it can be muted. */
export function topicOf(event: object): string | undefined {
  const { topic } = event as { topic?: unknown }; // an object has members
  return typeof topic === "string" && topic !== "" && topic.length <= MAX_TOPIC ? topic : undefined;
}

export function muteMark(topic: string, isMuted: boolean): Mark {
  const key = MUTE + topic;
  return isMuted ? { type: "mute", key, topic } : { key, deleted: true };
}

/** Marks with others put in their places. Pure. */
export function addMarks(marks: Marks, more: readonly Mark[]): Marks {
  if (more.length === 0) return marks;
  const all = new Map(marks);
  for (const mark of more) {
    if ("deleted" in mark) all.delete(mark.key);
    else all.set(mark.key, mark);
  }
  return all;
}

/** The topics that are muted, in the order in which that was said. */
export function mutedTopics(marks: Marks): string[] {
  return [...marks.values()].flatMap((mark) => ("topic" in mark ? mark.topic : []));
}

/** The last cursor up to which everything is read, by when that was said. */
export function lastReadAll(marks: Marks): string | undefined {
  return [...marks.values()].findLast((mark) => "all" in mark)?.key;
}

/** How many of these cursors, oldest first, are read because a later one is. Of another epoch's offsets a mark says nothing: what stands
 *  behind the last one that it names is unread. */
export function countReadThrough(marks: Marks, cursors: readonly string[]): number {
  const furthest = new Map<string | undefined, number>();
  for (const mark of marks.values()) {
    if (!("all" in mark)) continue;
    const epoch = epochOf(mark.key);
    furthest.set(epoch, Math.max(furthest.get(epoch) ?? 0, offsetOf(mark.key) ?? 0));
  }
  if (furthest.size === 0) return 0;
  return (
    1 + cursors.findLastIndex((cursor) => (offsetOf(cursor) ?? 0) <= (furthest.get(epochOf(cursor)) ?? -1))
  );
}

/** What says that one is read, and takes away marks of what is kept no longer. `kept`: what is, where that is known. */
export function readMarks(marks: Marks, cursor: string, kept?: readonly { cursor: string }[]): Mark[] {
  const known = kept && new Set(kept.map(({ cursor }) => cursor));
  const stale = readKeys(marks).filter((key) => known !== undefined && !known.has(key) && !isAll(marks, key));
  return [...remove(stale), { type: "read", key: cursor }];
}

/** What says that everything up to a cursor is read, and takes away what that makes superfluous. Two tabs that say so at once do not undo
 *  each other: each mark has a key of its own, and the furthest holds. */
export function readAllMarks(marks: Marks, cursor: string): Mark[] {
  const stale = readKeys(marks).filter((key) => isAhead(cursor, key));
  return [...remove(stale), { type: "read", key: cursor, all: true }];
}

function readKeys(marks: Marks): string[] {
  return [...marks.values()].flatMap((mark) => ("type" in mark && mark.type === "read" ? mark.key : []));
}

function isAll(marks: Marks, key: string): boolean {
  const mark = marks.get(key);
  return mark !== undefined && "all" in mark;
}

function remove(keys: readonly string[]): Mark[] {
  return keys.slice(0, MAX_MARKS - 1).map((key) => ({ key, deleted: true }));
}
