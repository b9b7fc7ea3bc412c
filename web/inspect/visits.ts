import type { Gone, Reader, Timeline } from "./looks.ts";

/** One who reads: its connections, oldest first. Which of them belong together is told by whose they are and by their cursors. */
export type Visit = [Reader | Gone, ...(Reader | Gone)[]];

/** Puts together who went and came back. Pure. */
export function visitsOf({ stream, readers, gone }: Timeline): Visit[] {
  const visits: Visit[] = [];
  for (const reader of [...gone, ...readers].toSorted((a, b) => a.cameAt - b.cameAt || a.id - b.id)) {
    const visit = visits
      .filter((one) => mayGoOn(one, reader, stream))
      .toSorted((a, b) => sent(a, stream) - sent(b, stream))[0];
    if (visit === undefined) visits.push([reader]);
    else visit.push(reader);
  }
  return visits;
}

/** What became of one event on its way to one who reads, in words. `at`: when it was written, where it is still there. Pure. */
export function fateOf(visit: Visit, stream: string, event: { offset: number; at?: number }): string {
  for (const reader of visit) {
    const { from, cursor } = placeOf(reader, stream);
    if (event.offset <= from)
      return `began after #${from}, so that it had #${event.offset} already, or did not want it`;
    if (event.offset > cursor) continue;
    if (event.at === undefined)
      return `is past #${event.offset}, which is not kept any more: it was sent that, or what came in its place`;
    return `was sent #${event.offset}, ${event.at < reader.cameAt ? "replayed" : "live"}`;
  }
  const last = visit.at(-1) ?? visit[0];
  const { cursor } = placeOf(last, stream);
  if (isGone(last)) return `went at #${cursor}, before #${event.offset} was sent, and has not come back`;
  return `has not been sent #${event.offset}: it stands at #${cursor}, ${last.state}`;
}

/** Where a reader began and stands, as offsets. */
export function placeOf(reader: Reader, stream: string): { from: number; cursor: number; lag: number } {
  const place = reader.streams.find((one) => one.stream === stream);
  return { from: offsetOf(place?.from), cursor: offsetOf(place?.cursor), lag: place?.lag ?? 0 };
}

/** The offset of a cursor; 0 where there is none. */
export function offsetOf(cursor: string | undefined): number {
  return Number(cursor?.split(".")[1] ?? 0);
}

/** Whether a reader may be the one that left last: with a cursor that had been sent to that one. */
function mayGoOn(visit: Visit, reader: Reader, stream: string): boolean {
  const last = visit.at(-1);
  if (last === undefined || !isGone(last) || reader.began === "new") return false;
  // A client often sees that it is cut before the server does.
  const isLater = reader.cameAt >= last.cameAt && reader.cameAt >= last.leftAt - 1_000;
  const { from } = placeOf(reader, stream);
  const before = placeOf(last, stream);
  return isLater && last.who === reader.who && from >= before.from && from <= before.cursor;
}

function sent(visit: Visit, stream: string): number {
  const last = visit.at(-1);
  return last === undefined ? 0 : placeOf(last, stream).cursor;
}

export function isGone(reader: Reader | Gone): reader is Gone {
  return "leftAt" in reader;
}
