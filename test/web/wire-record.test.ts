import { expect, test } from "vitest";
import type { WireEvent } from "../../src/client/index.ts";
import { wireCode } from "../../web/wire-code.ts";
import { EMPTY_RECORD, recordWire, viewWire } from "../../web/wire-record.ts";
import type { ReadEvent } from "../../web/wire-record.ts";

const STREAM = "chats/c1";

function block(more: Partial<Extract<WireEvent, { type: "block" }>> = {}): WireEvent {
  return {
    type: "block",
    at: 1,
    id: "list.3~chat.1",
    data: '{"stream":"chats/c1","event":{"type":"text-delta","text":"Hi\\n","message":"m"}}',
    stream: STREAM,
    isReplay: false,
    order: "next",
    ...more,
  };
}

test("a frame is told with its name, its cursor, its size on the wire, and what is new in it", () => {
  const { rows, frames, bytes, cursor } = viewWire(recordWire(EMPTY_RECORD, [block()]), STREAM);
  const onTheWire = `id: list.3~chat.1\ndata: {"stream":"chats/c1","event":{"type":"text-delta","text":"Hi\\n","message":"m"}}\n\n`;
  expect(rows).toMatchObject([
    { kind: "frame", name: "text-delta", id: "list.3~chat.1", gist: '"Hi\\n"', bytes: onTheWire.length },
  ]);
  expect({ frames, bytes, cursor }).toEqual({ frames: 1, bytes: onTheWire.length, cursor: "chat.1" });
});

test("a block without an id of its own shows none, and a size is counted in bytes", () => {
  const named = { event: "stream-caught-up", data: '{"stream":"chats/c1","cursor":"chat.1"}' };
  const { rows } = recordWire(EMPTY_RECORD, [block(), block(named), block({ id: "a.2", data: "ö" })]);
  expect(rows[1]).toMatchObject({ name: "stream-caught-up", gist: '{"cursor":"chat.1"}' });
  expect(rows[1]).not.toHaveProperty("id");
  expect(rows[2]).toMatchObject({ name: "message", gist: "ö", bytes: "id: a.2\ndata: oe\n\n".length });
});

test("what belongs to another stream is left out, what is the connection's own is not", () => {
  const ping: WireEvent = { type: "block", at: 1, event: "ping", data: "{}", isReplay: false };
  const record = recordWire(EMPTY_RECORD, [block({ stream: "people/local/chats" }), ping, block()]);
  const view = viewWire(record, STREAM);
  expect(view.rows).toMatchObject([{ name: "ping" }, { name: "text-delta" }]);
  expect(view.frames).toBe(1);
  expect(viewWire(record, undefined)).toMatchObject({ frames: 3, rows: { length: 3 } });
  expect(viewWire(record, "chats/other")).toMatchObject({ frames: 0, rows: [{ name: "ping" }] });
});

test("what was replayed, missed or doubled is marked, and so is what happens to the connection", () => {
  const record = recordWire(EMPTY_RECORD, [
    { type: "request", at: 1, url: "/v1/streams?stream=a&stream=chats/c1&live=1&last_event_id=l.3~c.1" },
    { type: "open", at: 2 },
    block({ isReplay: true }),
    block({ order: "hole" }),
    block({ order: "known" }),
    { type: "cut", at: 3, retryAt: 253 },
    { type: "cut", at: 4, status: 401, message: "You are signed out." },
  ]);
  const { rows, faults } = viewWire(record, STREAM);
  expect(rows).toMatchObject([
    { text: "GET /v1/streams, 2 streams after l.3 and c.1.", tone: "quiet" },
    { text: "Open." },
    { isReplay: true },
    { fault: "gap" },
    { fault: "double" },
    { text: "Cut. The next try is in 0.3 s.", tone: "wait" },
    { text: "Refused, 401. You are signed out.", tone: "bad" },
  ]);
  expect({ faults, cuts: record.cuts }).toEqual({ faults: 2, cuts: 2 });
});

test("of many rows the last 1,000 are kept, the totals count all, and keys stay", () => {
  const many = Array.from({ length: 3_000 }, (_, index) => block({ id: `chat.${index}` }));
  const record = recordWire(recordWire(EMPTY_RECORD, many.slice(0, 2_999)), many.slice(2_999));
  expect(record.rows).toHaveLength(1_000);
  expect(viewWire(record, STREAM)).toMatchObject({ frames: 3_000, cursor: "chat.2999" });
  expect(record.rows.at(-1)?.key).toBe(2_999);
});

test("the code goes on after the last cursor, where there is one", () => {
  const [curl, native, client] = wireCode("http://127.0.0.1:4000", "c1", "chat.7");
  expect(curl?.text).toContain("-H 'Last-Event-ID: chat.7'");
  expect(wireCode("http://x", "c1", undefined)[0]?.text).not.toContain("Last-Event-ID");
  expect(native?.text).toContain('new EventSource("http://127.0.0.1:4000/v1/streams/chats/c1")');
  expect(client?.text).toContain('from "millrace/client"');
});

function wired(offset: number): WireEvent {
  return block({ id: `bbbbbbbb.9~aaaaaaaa.${offset}`, isReplay: true });
}

test("what was read beside the wire is shown as replayed, once, and gives way to what the wire brings", () => {
  const read = (offset: number): ReadEvent => ({
    type: "read",
    at: 1,
    stream: STREAM,
    cursor: `aaaaaaaa.${offset}`,
    event: { type: "text-delta", text: "Hi", message: "m" },
  });
  const known = recordWire(EMPTY_RECORD, [wired(1), read(1), read(2), read(3), read(3)]);
  const view = viewWire(known, STREAM);
  expect(view.rows).toMatchObject([
    { id: "bbbbbbbb.9~aaaaaaaa.1", isReplay: true },
    { id: "aaaaaaaa.2", isReplay: true, name: "text-delta", gist: '"Hi"' },
    { id: "aaaaaaaa.3", isReplay: true },
  ]);
  expect({ frames: view.frames, reads: view.reads, cursor: view.cursor }).toEqual({
    frames: 1,
    reads: 2,
    cursor: "aaaaaaaa.3",
  });
  const rows = viewWire(recordWire(known, [wired(2), wired(3)]), STREAM).rows;
  expect(rows.map((row) => row.kind === "frame" && row.id)).toEqual([
    "bbbbbbbb.9~aaaaaaaa.1",
    "bbbbbbbb.9~aaaaaaaa.2",
    "bbbbbbbb.9~aaaaaaaa.3",
  ]);
});
