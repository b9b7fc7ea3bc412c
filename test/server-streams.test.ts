import { describe, expect, test } from "vitest";
import { StreamResetError } from "../src/server.ts";
import type { ReadEvent } from "../src/server.ts";
import { startApp } from "./support/app.ts";

interface Ticket {
  type: "comment" | "status";
  text: string;
}

const score = (home: number) => ({ key: "m1", home });
const comment = (text: string): Ticket => ({ type: "comment", text });

async function collect<Event extends object>(events: AsyncIterable<ReadEvent<Event>>): Promise<Event[]> {
  const all: Event[] = [];
  for await (const { event } of events) all.push(event);
  return all;
}

describe("append", () => {
  test("what server code appends, HTTP reads, and the other way round, with the caller's types", async () => {
    await using app = await startApp();
    const { cursor } = await app.server.append<Ticket>("tickets/42", comment("It is broken"));
    await app.send("POST", "/v1/streams/tickets/42", comment("Still"));
    const page = (await (await app.ask(`/v1/streams/tickets/42?after=${cursor}`)).json()) as {
      events: ReadEvent<Ticket>[];
    };
    expect(page.events.map(({ event }) => event.text)).toEqual(["Still"]);
    const texts: string[] = [];
    for await (const { at, event } of app.server.read<Ticket>("tickets/42")) {
      texts.push(event.text);
      expect(at).toBeGreaterThan(1_600_000_000_000);
    }
    expect(texts).toEqual(["It is broken", "Still"]);
  });

  test.each(["chats/abcdefgh", "runs/abcdefgh", "people/local/chats", "sys/server"])(
    "refuses %s, which is the server's own",
    async (name) => {
      await using app = await startApp();
      await expect(app.server.append(name, comment("forged"))).rejects.toMatchObject({
        code: "reserved-name",
      });
    },
  );

  test.each([
    ["a text", "hello"],
    ["an array in an array", [[1]]],
    ["nothing", []],
    ["null", [null]],
  ])("refuses %s", async (_name, events) => {
    await using app = await startApp();
    await expect(app.server.append("a", events as object)).rejects.toMatchObject({
      code: expect.stringMatching(/^invalid-(event|request)$/) as string,
    });
  });

  test("takes 1,000 events in one commit, and says of 10,000 that they go in several", async () => {
    await using app = await startApp();
    const events = Array.from({ length: 10_000 }, (_, n) => ({ n }));
    await expect(app.server.append("many", events)).rejects.toMatchObject({
      code: "invalid-request",
      message:
        "Send 1 to 1000 events at a time, not 10000: an object, or an array of objects. More go in several appends.",
    });
    const refused = await app.send("POST", "/v1/streams/many", events);
    expect(refused.status).toBe(400);
    expect(await refused.json()).toMatchObject({ error: { message: expect.stringContaining("not 10000") } });
    await app.server.append("many", events.slice(0, 1_000));
    expect(await collect(app.server.read("many"))).toHaveLength(1_000);
  });

  test.each(["memory", "lmdb"] as const)(
    "takes 10,000 tiny appends that nobody waits for between, in their order (%s)",
    async (log) => {
      await using app = await startApp({ log });
      const events = Array.from({ length: 10_000 }, (_, n) => ({ n }));
      const reading = collect(app.server.read<{ n: number }>("many", { live: true }));
      await Promise.all(
        events.map((event, n) => app.server.append("many", event, { close: n === events.length - 1 })),
      );
      expect(await reading).toEqual(events);
    },
  );

  test("the same key is the same append, and with other events it is refused", async () => {
    await using app = await startApp();
    const first = await app.server.append("a", { n: 1 }, { key: "order-1" });
    expect(await app.server.append("a", { n: 1 }, { key: "order-1" })).toEqual(first);
    await expect(app.server.append("a", { n: 2 }, { key: "order-1" })).rejects.toMatchObject({
      code: "key-reused",
    });
    await expect(app.server.append("a", { n: 2 }, { key: "two words" })).rejects.toMatchObject({
      code: "invalid-key",
    });
    expect(await collect(app.server.read("a"))).toEqual([{ n: 1 }]);
  });

  test("makes a state stream where it is asked to, and refuses one of another kind", async () => {
    await using app = await startApp();
    await app.server.append("scores", score(1), { kind: "state" });
    await app.server.append("scores", score(2));
    expect(await collect(app.server.read("scores"))).toEqual([score(2)]);
    await expect(app.server.append("scores", { home: 3 })).rejects.toMatchObject({ code: "invalid-event" });
    await expect(app.server.append("scores", score(3), { kind: "log" })).rejects.toMatchObject({
      code: "kind-conflict",
    });
  });
});

describe("read", () => {
  test("goes on behind a cursor, from now, or ends at the head as it was", async () => {
    await using app = await startApp();
    await app.server.append("a", [{ n: 1 }, { n: 2 }, { n: 3 }]);
    const seen: { cursor: string; event: object }[] = [];
    for await (const one of app.server.read("a")) {
      seen.push(one);
      // Else it would never end.
      await app.server.append("a", { n: 9 });
    }
    expect(seen.map(({ event }) => event)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
    const [first] = seen;
    const rest = await collect(app.server.read("a", { after: first?.cursor ?? "" }));
    expect(rest).toEqual([{ n: 2 }, { n: 3 }, { n: 9 }, { n: 9 }, { n: 9 }]);
    expect(await collect(app.server.read("a", { after: "now" }))).toEqual([]);
  });

  test("live, it waits for the stream's first event, and ends when the stream is closed", async () => {
    await using app = await startApp();
    const reading = collect(app.server.read("later", { live: true }));
    await app.server.append("later", { n: 1 });
    await app.server.append("later", { n: 2 }, { close: true });
    expect(await reading).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test("live, it ends when the stream is deleted", async () => {
    await using app = await startApp();
    await app.server.append("gone", { n: 1 });
    const reader = app.server.read("gone", { live: true });
    await reader.next();
    const next = reader.next();
    await app.ask("/v1/streams/gone", { method: "DELETE" });
    expect(await next).toEqual({ done: true, value: undefined });
  });

  test("throws the reason of its signal, waiting or not", async () => {
    await using app = await startApp();
    await app.server.append("a", [{ n: 1 }, { n: 2 }]);
    const abort = new AbortController();
    const reader = app.server.read("a", { live: true, signal: abort.signal });
    await reader.next();
    await reader.next();
    const waiting = reader.next();
    abort.abort(new Error("the request is over"));
    await expect(waiting).rejects.toThrow("the request is over");
    await expect(collect(app.server.read("a", { signal: abort.signal }))).rejects.toThrow(
      "the request is over",
    );
  });

  test("says that a stream is unknown, a name or a cursor none", async () => {
    await using app = await startApp();
    const codeOf = (name: string, after = "start") =>
      collect(app.server.read(name, { after })).catch((error: unknown) => (error as { code: string }).code);
    expect(await codeOf("nothing")).toBe("stream-unknown");
    expect(await codeOf("no thing")).toBe("invalid-name");
    expect(await codeOf("nothing", "17")).toBe("invalid-cursor");
  });

  test("throws where a cursor cannot be honoured, with the one from which to read anew", async () => {
    await using app = await startApp();
    const { cursor } = await app.server.append("a", { n: 1 });
    await app.ask("/v1/streams/a", { method: "DELETE" });
    await app.server.append("a", [{ n: 2 }, { n: 3 }]);
    const error: unknown = await collect(app.server.read("a", { after: cursor })).catch((thrown) => thrown);
    expect(error).toBeInstanceOf(StreamResetError);
    expect(error).toMatchObject({ code: "stream-reset", reason: "unknown-epoch" });
    const anew = app.server.read("a", { after: (error as StreamResetError).from });
    expect(await collect(anew)).toEqual([{ n: 2 }, { n: 3 }]);
  });

  test("a live reader whose stream is made anew under it is told so", async () => {
    await using app = await startApp();
    await app.server.append("a", { n: 1 });
    const reader = app.server.read("a", { live: true });
    await reader.next();
    await app.ask("/v1/streams/a", { method: "DELETE" });
    await app.server.append("a", { n: 2 });
    await expect(reader.next()).rejects.toMatchObject({ reason: "unknown-epoch" });
  });

  test("a live reader that is overtaken by the floor is told so", async () => {
    await using app = await startApp();
    await app.send("PUT", "/v1/streams/short", { kind: "log", retention: { maxEvents: 10 } });
    await app.server.append("short", { n: 0 });
    const reader = app.server.read("short", { live: true });
    await reader.next();
    for (let n = 0; n < 5; n++) {
      await app.server.append(
        "short",
        Array.from({ length: 500 }, () => ({ n })),
      );
    }
    await expect(reader.next()).rejects.toMatchObject({ reason: "trimmed" });
  });
});
