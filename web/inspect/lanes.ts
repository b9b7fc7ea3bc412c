import { WORDS, span } from "./looks.ts";
import type { Gone, Reader, Run, Timeline } from "./looks.ts";
import { fateOf, isGone, offsetOf, placeOf, visitsOf } from "./visits.ts";
import type { Visit } from "./visits.ts";

/** A stretch of time in a lane. `live`: it goes on at this moment. */
export interface Stretch {
  from: number;
  to: number;
  tone: "live" | "past" | "replay" | "wait" | "away";
}

export interface Mark {
  at: number;
  tone: "event" | "end" | "wait" | "broken";
}

/** One line of the picture, and the same in words. */
export interface Lane {
  id: string;
  kind: "written" | "run" | "reader" | "report";
  name: string;
  words: string;
  stretches: Stretch[];
  marks: Mark[];
}

/** Who wrote and who read a stream, each as a line over time. `sought`: the offset of an event, of which each reader's line says what
 *  became of it. Pure. */
export function lanesOf(timeline: Timeline, sought?: number): Lane[] {
  return [
    written(timeline),
    ...timeline.runs.toReversed().map((run) => runLane(run, timeline)),
    ...visitsOf(timeline).map((visit) => readerLane(visit, timeline, sought)),
    ...reported(timeline),
  ];
}

/** When the first and the last thing happened. Pure. */
export function boundsOf(lanes: readonly Lane[]): { from: number; to: number } | undefined {
  const times = lanes.flatMap(({ stretches, marks }) => [
    ...stretches.flatMap(({ from, to }) => [from, to]),
    ...marks.map(({ at }) => at),
  ]);
  return times.length === 0 ? undefined : { from: Math.min(...times), to: Math.max(...times) };
}

function written({ events, head, closed, stream }: Timeline): Lane {
  const first = events[0];
  const last = events.at(-1);
  let words = `${stream} does not exist: whoever reads it waits for its first event.`;
  if (head !== undefined) words = closed === true ? "It is closed, and empty." : "Nothing is kept of it.";
  if (first !== undefined && last !== undefined) {
    const count = events.reduce((sum, one) => sum + (one.span ?? 1), 0);
    const pauses = events.slice(1).map((one, index) => one.at - (events[index]?.at ?? one.at));
    const longest = Math.max(0, ...pauses);
    words = [
      `${number(count)} event${count === 1 ? "" : "s"}, #${offsetOf(first.cursor) - (first.span ?? 1) + 1} to #${offsetOf(last.cursor)}`,
      ...(longest >= 1_000 ? [`longest pause ${span(longest)}`] : []),
      ...(closed === true ? ["closed"] : []),
    ].join(" · ");
  }
  const marks: Mark[] = events.map(({ at }) => ({ at, tone: "event" }));
  if (closed === true && last !== undefined) marks.push({ at: last.at, tone: "end" });
  return { id: "written", kind: "written", name: "Written", words, stretches: [], marks };
}

function runLane(run: Run, { at, events }: Timeline): Lane {
  const { startedAt, endedAt, stalls = [] } = run;
  const delta = events.find((event) => event.at >= startedAt && event.type?.endsWith("-delta") === true);
  // Of one that is open, only its stream knows.
  const firstAt = run.firstAt ?? (endedAt === undefined ? delta?.at : undefined);
  const to = endedAt ?? at;
  const stretches: Stretch[] = [{ from: startedAt, to: firstAt ?? to, tone: "wait" }];
  if (firstAt !== undefined)
    stretches.push({ from: firstAt, to, tone: endedAt === undefined ? "live" : "past" });
  for (const stall of stalls) stretches.push({ from: stall.at, to: stall.at + stall.ms, tone: "wait" });
  const longest = Math.max(0, ...stalls.map(({ ms }) => ms));
  const isBroken = run.error !== undefined || run.reason === "interrupted" || run.reason === "moved";
  return {
    id: `run ${run.run}`,
    kind: "run",
    name: `Run ${run.run}`,
    words: [
      ...(run.model === undefined ? [] : [run.model]),
      firstAt === undefined ? "no token yet" : `first token after ${span(firstAt - startedAt)}`,
      ...(stalls.length === 0 ? [] : [`${counted(stalls.length, "stall")}, the longest ${span(longest)}`]),
      endedAt === undefined
        ? "open"
        : `ended after ${span(endedAt - startedAt)}: ${run.error ?? run.reason ?? ""}`,
    ].join(" · "),
    stretches,
    marks: endedAt === undefined ? [] : [{ at: endedAt, tone: isBroken ? "broken" : "end" }],
  };
}

function readerLane(visit: Visit, timeline: Timeline, sought: number | undefined): Lane {
  const { at, stream, events } = timeline;
  const [first] = visit;
  const last = visit.at(-1) ?? first;
  const stretches: Stretch[] = [];
  const marks: Mark[] = [];
  for (const [index, reader] of visit.entries()) {
    const to = leftAt(reader) ?? at;
    const before = visit[index - 1];
    if (before !== undefined) stretches.push({ from: leftAt(before) ?? to, to: reader.cameAt, tone: "away" });
    const caughtUpAt = reader.caughtUpAt ?? to;
    stretches.push({ from: reader.cameAt, to: caughtUpAt, tone: "replay" });
    const isLive = leftAt(reader) === undefined;
    if (caughtUpAt < to) stretches.push({ from: caughtUpAt, to, tone: isLive ? "live" : "past" });
    if (isGone(reader)) marks.push({ at: reader.leftAt, tone: toneOf(reader) });
  }
  const place = placeOf(last, stream);
  const replayed = visit.reduce((sum, one) => sum + one.replayedBytes, 0);
  // A merged one stands for those before it, too; of a state what was replaced is gone.
  const event = events.find(({ cursor, span: merged = 1 }) => {
    const offset = offsetOf(cursor);
    return sought !== undefined && sought <= offset && sought > offset - merged;
  });
  return {
    id: `reader ${first.id}`,
    kind: "reader",
    name: `Reader ${first.id}${first.who === undefined ? "" : ` · ${first.who}`}`,
    words: [
      ...(sought === undefined
        ? []
        : [fateOf(visit, stream, { offset: sought, ...(event !== undefined && { at: event.at }) })]),
      `began ${WORDS[first.began] ?? first.began}`,
      ...(visit.length > 1 ? [`came back ${counted(visit.length - 1, "time")}`] : []),
      ...(replayed > 0 ? [`${number(replayed)} bytes replayed`] : []),
      `at #${place.cursor}, ${place.lag} behind`,
      isGone(last) ? `gone: ${WORDS[last.why] ?? last.why}` : `${last.state} over ${last.transport}`,
    ].join(" · "),
    stretches,
    marks,
  };
}

function reported({ reports }: Timeline): Lane[] {
  if (reports.length === 0) return [];
  const sum = (of: "gaps" | "doubles") => reports.reduce((total, one) => total + one[of], 0);
  return [
    {
      id: "reports",
      kind: "report",
      name: "Reported by clients",
      words: `${counted(sum("gaps"), "gap")} and ${counted(sum("doubles"), "double")}, found and mended, in any stream`,
      stretches: [],
      marks: reports.map(({ at }) => ({ at, tone: "broken" })),
    },
  ];
}

function leftAt(reader: Reader | Gone): number | undefined {
  return isGone(reader) ? reader.leftAt : undefined;
}

function toneOf({ why }: Gone): Mark["tone"] {
  if (why === "cut" || why === "stalled" || why === "unanswered" || why === "expired") return "broken";
  return why === "aged" || why === "drained" ? "wait" : "end";
}

function counted(count: number, noun: string): string {
  return `${number(count)} ${noun}${count === 1 ? "" : "s"}`;
}

function number(value: number): string {
  return value.toLocaleString("en");
}
