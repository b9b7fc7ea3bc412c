import { describe, expect, it } from "vitest";
import { StreamCollector, endsOfInterrupted, parseBackupLine } from "../../src/protocol/backup.ts";
import type { ReadStream, SavedEvent, SavedStreamEnd, SavedStreamHead } from "../../src/protocol/backup.ts";
import { StreamError } from "../../src/protocol/error.ts";

const HEAD: SavedStreamHead = { stream: "a", kind: "log", retention: { maxEvents: 10 } };
const END: SavedStreamEnd = {
  end: "a",
  events: 2,
  floor: 1,
  head: 2,
  closed: false,
  epochs: [{ epoch: "abcdefgh1", from: 1 }],
};
const CLAIM = { id: "k", digest: "d", stream: "a", cursor: "abcdefgh1.1", expiresAt: 9 };
const event = (offset: number, more: object = {}): SavedEvent => ({
  offset,
  at: 1,
  event: { n: offset, ...more },
});

describe("a line", () => {
  it.each([
    { millrace: "backup", version: 1, at: 1 },
    HEAD,
    { ...HEAD, kind: "state", retention: {} },
    event(1),
    END,
    // Everything was removed: nothing is kept, and the next event is the floor.
    { ...END, events: 0, floor: 3 },
    { claim: CLAIM },
    { claim: { ...CLAIM, note: "n" } },
    { done: true, streams: 1, events: 2, keys: 0 },
  ])("is taken as it was written: %j", (line) => {
    expect(parseBackupLine(JSON.stringify(line))).toEqual(line);
  });

  it.each([
    ["an array", []],
    ["a text", "x"],
    ["null", null],
    ["of another program", { millrace: "backups", version: 1 }],
    ["of another version", { millrace: "backup", version: 2 }],
    ["with a kind that is none", { ...HEAD, kind: "list" }],
    ["with a name that is no text", { ...HEAD, stream: 1 }],
    ["without retention", { stream: "a", kind: "log" }],
    ["with a bound that is none", { ...HEAD, retention: { forever: 1 } }],
    ["with a bound below zero", { ...HEAD, retention: { maxEvents: -1 } }],
    ["with an offset below zero", { ...event(1), offset: -1 }],
    ["with an offset between two", { ...event(1), offset: 1.5 }],
    ["without a time", { offset: 1, event: {} }],
    ["with an event that is no object", { ...event(1), event: [] }],
    ["that ends without a name", { ...END, end: 1 }],
    ["that ends without a count", { ...END, events: undefined }],
    ["whose floor lies behind its head", { ...END, floor: 4 }],
    ["that does not say whether it is closed", { ...END, closed: 1 }],
    ["without a chain", { ...END, epochs: undefined }],
    ["with an empty chain", { ...END, epochs: [] }],
    ["with an epoch that is none", { ...END, epochs: [{ epoch: "A", from: 1 }] }],
    ["with an epoch from nowhere", { ...END, epochs: [{ epoch: "abcdefgh1" }] }],
    ["with a claim that is none", { claim: [] }],
    ["with a claim that never expires", { claim: { ...CLAIM, expiresAt: undefined } }],
    ["with a claim without its digest", { claim: { ...CLAIM, digest: 1 } }],
    ["with a claim whose note is no text", { claim: { ...CLAIM, note: 1 } }],
    ["with a claim that is too long", { claim: { ...CLAIM, id: "x".repeat(513) } }],
    ["that is done, or not", { done: 1, streams: 1, events: 2, keys: 0 }],
    ["that is done without its counts", { done: true, streams: 1, events: 2 }],
  ])("%s is refused", (_, line) => {
    expect(() => parseBackupLine(JSON.stringify(line))).toThrow(StreamError);
  });

  it("that is no JSON is refused, and shown in part", () => {
    expect(() => parseBackupLine(`{"${"x".repeat(200)}`)).toThrow(/is not JSON: \{"x{78}…$/);
  });
});

/** Takes lines one after the other. */
function collect(...lines: (SavedStreamHead | SavedEvent | SavedStreamEnd)[]): ReadStream | undefined {
  const collector = new StreamCollector();
  let stream: ReadStream | undefined;
  for (const line of lines) stream = collector.take(line) ?? stream;
  expect(collector.isOpen).toBe(false);
  return stream;
}

const STATE: SavedStreamHead = { ...HEAD, kind: "state" };

describe("the lines of a stream", () => {
  it("make it whole", () => {
    expect(collect(HEAD, event(1), event(2), END)).toMatchObject({
      name: "a",
      head: 2,
      isClosed: false,
      entries: [
        { offset: 1, data: '{"n":1}' },
        { offset: 2, data: '{"n":2}' },
      ],
    });
    // Of a state: with holes, up to a head that was forgotten, and with what was deleted.
    expect(
      collect(STATE, event(2, { key: "k" }), event(5, { key: "l", deleted: true }), { ...END, head: 9 })
        ?.entries,
    ).toMatchObject([
      { offset: 2, key: "k", isDeleted: false },
      { offset: 5, key: "l", isDeleted: true },
    ]);
  });

  it.each([
    ["have no beginning", [event(1)], "it has no beginning"],
    ["have no end", [HEAD, event(1), { ...HEAD, stream: "b" }], "it has no end"],
    ["end as another", [HEAD, event(1), event(2), { ...END, end: "b" }], "followed by the end of b"],
    [
      "are fewer than their end says",
      [HEAD, event(1), { ...END, head: 1 }],
      "has 1 events, and its end says 2",
    ],
    ["have a hole", [HEAD, event(1), event(3), { ...END, head: 3 }], "offset 3 does not follow 1"],
    [
      "begin above their floor",
      [HEAD, event(2), event(3), { ...END, head: 3 }],
      "offset 2 does not follow 0",
    ],
    [
      "end below their head",
      [HEAD, event(1), event(2), { ...END, head: 3 }],
      "it ends at 2, and its end says 3",
    ],
    [
      "of a state come twice",
      [STATE, event(1, { key: "k" }), event(1, { key: "l" }), END],
      "offset 1 does not follow 1",
    ],
    [
      "of a state end above their head",
      [STATE, event(1, { key: "k" }), event(3, { key: "l" }), END],
      "it ends at 3, and its end says 2",
    ],
    ["of a state have no key", [STATE, event(1)], "the event at 1 has no key"],
  ] as const)("that %s are refused", (_, lines, why) => {
    expect(() => collect(...lines)).toThrow(why);
  });

  it("of a name that is none are refused", () => {
    const name = "a b";
    expect(() => collect({ ...HEAD, stream: name }, event(1), event(2), { ...END, end: name })).toThrow(
      StreamError,
    );
  });
});

const stream = (
  name: string,
  kind: ReadStream["kind"],
  events: { type?: string; key?: string }[],
): ReadStream => ({
  name: name as ReadStream["name"], // as the tests need it
  kind,
  retention: {},
  epochs: [],
  floor: 1,
  head: events.length,
  isClosed: false,
  entries: events.map((one, index) => ({
    offset: index + 1,
    at: 1,
    data: JSON.stringify(one),
    ...(one.key !== undefined && { key: one.key }),
  })),
});
const interrupted = (run: string) =>
  `{"type":"message-end","message":"m","run":"${run}","reason":"interrupted"}`;

describe("what is said behind a stream that is put back", () => {
  const start = { type: "message-start", message: "m", run: "r" };
  const goOn = { type: "message-continue", message: "m", run: "s" };
  const over = { type: "message-end", message: "m", run: "r", reason: "stop" };
  it("ends each answer that has no end, and closes the stream of a run", () => {
    expect(endsOfInterrupted(stream("chats/c", "chat", [start]))).toEqual({
      events: [{ data: interrupted("r") }],
      close: false,
    });
    expect(endsOfInterrupted(stream("runs/r", "chat", [start]))).toEqual({
      events: [{ data: interrupted("r") }],
      close: true,
    });
    expect(endsOfInterrupted(stream("chats/c", "chat", [start, over, goOn])).events).toEqual([
      { data: interrupted("s") },
    ]);
  });

  it("is nothing where all has ended, and of streams that are no answers", () => {
    for (const name of ["chats/c", "runs/r"])
      expect(endsOfInterrupted(stream(name, "chat", [start, over]))).toEqual({ events: [], close: false });
    expect(endsOfInterrupted(stream("a", "log", [start]))).toEqual({ events: [], close: false });
    expect(endsOfInterrupted(stream("a", "state", [{ ...start, key: "k" }])).events).toEqual([]);
  });

  it("takes the run out of the list of chats, where there is one", () => {
    const list = [
      { key: "c", title: "C", run: "r" },
      { key: "d", title: "D" },
    ];
    expect(endsOfInterrupted(stream("people/ada/chats", "state", list))).toEqual({
      events: [{ key: "c", data: '{"key":"c","title":"C","reason":"interrupted"}' }],
      close: false,
    });
  });
});
