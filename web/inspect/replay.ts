import { ask } from "./looks.ts";

interface Page {
  events: { at: number; event: object }[];
  next: string;
  head: string;
}

/** The longest pause that is kept, in milliseconds. */
const MAX_PAUSE_MS = 60_000;

/** Plays what a stream holds into another, with the pauses that it had, divided by `speed`. Resolves with how many events that were. */
export async function replay(from: string, to: string, speed: number, signal: AbortSignal): Promise<number> {
  let count = 0;
  let last: number | undefined;
  for (let after = ""; ;) {
    const page = (await ask(`/v1/streams/${from}${after && `?after=${after}`}`)) as Page; // our own server's
    for (const { at, event } of page.events) {
      const pause = Math.min(last === undefined ? 0 : at - last, MAX_PAUSE_MS) / speed;
      last = at;
      if (pause > 1) await new Promise((resolve) => setTimeout(resolve, pause));
      if (signal.aborted) return count;
      await ask(`/v1/streams/${to}`, "POST", event);
      count += 1;
    }
    if (page.events.length === 0 || page.next === page.head) return count;
    after = page.next;
  }
}
