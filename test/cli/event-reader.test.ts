import { expect, test } from "vitest";
import { readEvents } from "../../src/cli/event-reader.ts";
import type { ReadEvent } from "../../src/cli/event-reader.ts";

const STREAM = Array.from({ length: 6 }, (_, n) => `id: aaaaaaaa.${n + 1}\ndata: {"n":${n + 1}}\n\n`);

/** A server that cuts each connection after so many bytes, and goes on behind the id that it is given. */
function cuttingFetch(bytes: () => number, ids: (string | null)[]): typeof fetch {
  return async (_, init) => {
    const id = new Headers(init?.headers).get("last-event-id");
    ids.push(id);
    const rest =
      STREAM.slice(id === null ? 0 : Number(id.split(".")[1])).join("") + "event: stream-end\ndata: {}\n\n";
    return new Response(new TextEncoder().encode(rest).slice(0, bytes()));
  };
}

function collect(): { events: ReadEvent[]; onEvent: (event: ReadEvent) => boolean } {
  const events: ReadEvent[] = [];
  return {
    events,
    onEvent(event) {
      if (event.event === "stream-end") return true;
      events.push(event);
      return false;
    },
  };
}

const still = { sleep: () => Promise.resolve(), random: () => 0.5, url: "http://x/" };

test("goes on behind the last whole event, wherever it is cut", async () => {
  for (let bytes = 40; bytes < 260; bytes++) {
    const { events, onEvent } = collect();
    const ids: (string | null)[] = [];
    expect(await readEvents({ ...still, onEvent, fetch: cuttingFetch(() => bytes, ids) })).toEqual({
      status: "done",
    });
    expect(events.map(({ data }) => (JSON.parse(data) as { n: number }).n)).toEqual([1, 2, 3, 4, 5, 6]);
    expect(ids[0]).toBeNull();
  }
});

test("waits with full jitter and longer each time, and is never ended by a 502", async () => {
  const waits: number[] = [];
  let calls = 0;
  const { events, onEvent } = collect();
  const outcome = await readEvents({
    ...still,
    onEvent,
    sleep: (ms) => Promise.resolve(void waits.push(ms)),
    fetch: async () => {
      calls += 1;
      if (calls === 2) throw new TypeError("Load failed");
      return calls < 9
        ? new Response("", { status: 502 })
        : new Response(`${STREAM[0]}event: stream-end\ndata: {}\n\n`);
    },
  });
  expect(outcome).toEqual({ status: "done" });
  expect(events).toHaveLength(1);
  expect(waits).toEqual([125, 250, 500, 1_000, 2_000, 4_000, 5_000, 5_000]);
});

test("ends at 204, at a refusal, and where nobody answers for long", async () => {
  const { onEvent } = collect();
  const at = (status: number) =>
    readEvents({ ...still, onEvent, fetch: async () => new Response(null, { status }) });
  expect(await at(204)).toEqual({ status: "nothing-more" });
  expect(await at(403)).toEqual({ status: "refused", code: 403 });
  expect(await at(503)).toEqual({ status: "unreachable" });
});
