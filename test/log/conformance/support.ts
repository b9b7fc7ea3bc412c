import { expect, test } from "vitest";
import type { AppendOptions, Log, NewEvent, ReadLimit, StreamInfo } from "../../../src/log/log.ts";
import type { Entry } from "../../../src/protocol/event.ts";
import { parseStreamName } from "../../../src/protocol/names.ts";
import type { Harness, OpenLog } from "../conformance.ts";

export const NAME = parseStreamName("tests/one");
export const OTHER = parseStreamName("tests/other");
export const LOG: AppendOptions = { create: { kind: "log" } };
export const STATE: AppendOptions = { create: { kind: "state" } };
export const CHAT: AppendOptions = { create: { kind: "chat" } };

/** A test with a log of its own, and a clock that is set by hand. */
export function withLog(
  name: string,
  open: OpenLog,
  body: (log: Log, harness: Harness & { setNow: (ms: number) => void }) => Promise<void>,
): void {
  test(name, async () => {
    let now = 1_000_000;
    const harness = await open({ now: () => now });
    try {
      await body(harness.log, {
        ...harness,
        setNow: (ms) => {
          now = ms;
        },
      });
    } finally {
      await harness.dispose();
    }
  });
}

export function event(n: number): NewEvent {
  return { data: `{"n":${n}}` };
}

export function delta(text: string, message = "m", type = "text-delta"): NewEvent {
  return { data: JSON.stringify({ type, message, text }) };
}

/** Reads to the head, page by page, and checks that each entry follows the one before by its span. */
export async function readAll(
  log: Log,
  after = 0,
  limit?: ReadLimit,
  isContiguous = true,
): Promise<{ entries: Entry[]; info: StreamInfo }> {
  const entries: Entry[] = [];
  for (let last = after; ;) {
    const page = await log.read(NAME, last, limit);
    if (page.status !== "page") throw new Error(`a page was expected, not ${page.status}`);
    if (page.entries.length === 0) return { entries, info: page.info };
    for (const entry of page.entries) {
      if (isContiguous) expect(entry.offset).toBe(last + entry.span);
      expect(entry.offset).toBeGreaterThan(last);
      last = entry.offset;
    }
    entries.push(...page.entries);
  }
}

export async function readNumbers(log: Log, after = 0, limit?: ReadLimit): Promise<number[]> {
  const { entries } = await readAll(log, after, limit);
  return entries.map(({ data }) => (JSON.parse(data) as { n: number }).n);
}

/** The text of a message as its reader has it. */
export function textOf(entries: readonly Entry[], type = "text-delta", message = "m"): string {
  return entries
    .map(({ data }) => JSON.parse(data) as { type: string; message: string; text: string })
    .filter((event) => event.type === type && event.message === message)
    .map((event) => event.text)
    .join("");
}

/** What a reader has of a chat: the text of each message, by type, and what else was said, each at its place. */
export function foldTexts(events: readonly { data: string }[]): string[] {
  const folded: { of: string; text: string }[] = [];
  for (const { data } of events) {
    const event = JSON.parse(data) as { type: string; message: string; text?: string };
    const of = event.text === undefined ? data : `${event.type} of ${event.message}`;
    const last = folded.at(-1);
    if (last?.of === of && event.text !== undefined) last.text += event.text;
    else folded.push({ of, text: event.text ?? "" });
  }
  return folded.map(({ of, text }) => `${of}: ${text}`);
}
