import type { EpochLink } from "../protocol/cursor.ts";
import type { StreamKind } from "../protocol/event.ts";
import type { Retention, StreamInfo } from "./log.ts";
import type { LogRecord } from "./store.ts";

/** A stream as a script describes it. */
export interface Described {
  /** Which commit of its partition this is, or was the last. */
  commit: number;
  info: StreamInfo;
  /** In a chat: from where on deltas stand alone. */
  loose: number;
  /** The chain of epochs as Redis has it. */
  epochsText: string;
}

/** What was parsed last: most descriptions differ from the one before in numbers alone. */
const parsedEpochs = new Map<string, readonly EpochLink[]>();
const parsedRetentions = new Map<string, Retention>();
const MAX_PARSED = 10_000;

/** Reads what the scripts' `describe` returns. */
export function readDescription(reply: readonly unknown[]): Described {
  const [, commit, kind, epochs, floor, head, isClosed, retention, loose] = reply;
  return {
    commit: Number(commit),
    loose: Number(loose),
    epochsText: String(epochs),
    info: {
      kind: kind as StreamKind, // written by us
      epochs: remember(parsedEpochs, String(epochs), parseEpochs),
      floor: Number(floor),
      head: Number(head),
      isClosed: isClosed === 1,
      retention: remember(parsedRetentions, String(retention), (text) => JSON.parse(text) as Retention),
    },
  };
}

/** Reads the records of a page, oldest first: those that stand by their offset, then what stands alone. */
export function readRecords(reply: readonly unknown[]): LogRecord[] {
  const [kind, placed, loose] = [reply[2], reply[9] as string[], reply[10] as string[]]; // written by LOOK
  const records = placed.map((text) => (kind === "state" ? readKeyed(text) : readPlaced(text)));
  for (let index = 0; index + 1 < loose.length; index += 2) {
    const [first, at] = (loose[index] ?? "").split("-");
    records.push({
      type: "batch",
      first: Number(first),
      at: Number(at),
      total: 0,
      events: [loose[index + 1] ?? ""],
    });
  }
  return records;
}

/** Writes a record of a chat as it stands in Redis: offset, time, the lengths of its deltas (`-`: it is one event), JSON text. */
export function writeRecord(record: LogRecord): string {
  switch (record.type) {
    case "segment":
      return `${record.first} ${record.at} ${record.lengths.join(",")} ${record.data}`;
    case "batch":
      return `${record.first} ${record.at} - ${record.events[0] ?? ""}`;
    case "keyed":
      throw new Error("a state is not compacted");
  }
}

function readPlaced(text: string): LogRecord {
  const [first, at, lengths, data] = split(text, 4);
  const base = { first: Number(first), at: Number(at) };
  if (lengths === "-") return { ...base, type: "batch", total: 0, events: [data] };
  return { ...base, type: "segment", lengths: lengths.split(",").map(Number), data };
}

function readKeyed(text: string): LogRecord {
  const [first, at, data] = split(text, 3);
  return { type: "keyed", first: Number(first), at: Number(at), key: "", isDeleted: false, data };
}

/** Splits at spaces into so many parts, of which the last has the rest. */
function split(text: string, parts: 3): [string, string, string];
function split(text: string, parts: 4): [string, string, string, string];
function split(text: string, parts: number): string[] {
  const list: string[] = [];
  let from = 0;
  for (let part = 1; part < parts; part++) {
    const to = text.indexOf(" ", from);
    list.push(text.slice(from, to));
    from = to + 1;
  }
  return [...list, text.slice(from)];
}

function parseEpochs(text: string): readonly EpochLink[] {
  return text.split(" ").map((link) => {
    const [epoch = "", from] = link.split(":");
    return { epoch, from: Number(from) };
  });
}

function remember<T>(known: Map<string, T>, text: string, parse: (text: string) => T): T {
  const value = known.get(text) ?? parse(text);
  if (known.size >= MAX_PARSED) known.clear();
  known.set(text, value);
  return value;
}
