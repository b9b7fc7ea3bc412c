import fc from "fast-check";
import { expect, test } from "vitest";
import type { Log, NewEvent } from "../../../src/log/log.ts";
import type { Harness, OpenLog } from "../conformance.ts";
import { NAME, delta, event, foldTexts, readAll } from "./support.ts";

/** What may be done to a stream; a plain array beside it says what must be read. */
type Action =
  | { type: "append"; sizes: number[]; seed: number }
  | { type: "read"; from: number; maxEntries: number; maxLength: number }
  | { type: "reopen" }
  | { type: "close" };

const size = fc.integer({ min: 1, max: 12 });
const action: fc.Arbitrary<Action> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("append" as const),
      sizes: fc.array(size, { minLength: 1, maxLength: 8 }),
      seed: fc.nat(),
    }),
  },
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant("read" as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
      maxEntries: fc.integer({ min: 1, max: 50 }),
      maxLength: fc.integer({ min: 1, max: 500 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("reopen" as const) }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("close" as const) }) },
);

/** One kind of stream: which events come, and what is to be read of those appended so far. */
interface Model {
  makeEvent(n: number, seed: number): NewEvent;
  expectRead(log: Log, model: readonly NewEvent[], after: number, limit: object): Promise<void>;
}

const MODELS: Record<"log" | "chat" | "state", Model> = {
  log: {
    makeEvent: (n) => event(n),
    async expectRead(log, model, after, limit) {
      const { entries } = await readAll(log, after, limit);
      expect(entries.map(({ data }) => data)).toEqual(model.slice(after).map(({ data }) => data));
    },
  },
  chat: {
    // Two messages, their reasoning and their marks, in any order.
    makeEvent(n, seed) {
      const kind = (n * 7 + seed) % 19;
      const message = kind % 3 === 0 ? "m" : "other";
      if (kind === 5) return { data: JSON.stringify({ type: "message-end", message, n }) };
      return delta(kind === 7 ? "\ud83c" : `${n} `, message, kind > 12 ? "reasoning-delta" : "text-delta");
    },
    async expectRead(log, model, after, limit) {
      const { entries } = await readAll(log, after, limit);
      expect(foldTexts(entries)).toEqual(foldTexts(model.slice(after)));
    },
  },
  state: {
    makeEvent(n, seed) {
      const key = `k${(n * 5 + seed) % 7}`;
      const isDeleted = (n + seed) % 4 === 0;
      return { data: JSON.stringify({ key, n, ...(isDeleted && { deleted: true }) }), key, isDeleted };
    },
    async expectRead(log, model, after, limit) {
      const last = new Map(model.map(({ key, data }, index) => [key, { offset: index + 1, data }]));
      const { entries } = await readAll(log, after, limit, false);
      expect(entries.map(({ offset, data }) => ({ offset, data }))).toEqual(
        [...last.values()].filter(({ offset }) => offset > after).sort((a, b) => a.offset - b.offset),
      );
    },
  },
};

export function testModel(open: OpenLog): void {
  for (const kind of ["log", "chat", "state"] as const) {
    test(`a ${kind} equals a plain array under any row of appends, reads, restarts and its end`, async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(action, { maxLength: 25 }), (actions) =>
          withHarness(open, async (harness) => {
            await harness.log.create(NAME, { kind });
            await expectModel(harness, MODELS[kind], actions);
          }),
        ),
        { numRuns: 20 },
      );
    });

    test(`a ${kind} is the same stream however its events are split into batches`, async () => {
      const cuts = fc.array(size, { maxLength: 60 });
      await fc.assert(
        fc.asyncProperty(cuts, fc.integer({ min: 1, max: 150 }), fc.nat(), (sizes, count, seed) =>
          withHarness(open, async ({ log }) => {
            const events = Array.from({ length: count }, (_, n) => MODELS[kind].makeEvent(n, seed));
            const batches: NewEvent[][] = [];
            let first = 0;
            for (const length of [...sizes, count]) {
              if (first < count) batches.push(events.slice(first, first + length));
              first += length;
            }
            await Promise.all(batches.map((batch) => log.append(NAME, batch, { create: { kind } })));
            for (const after of [0, 1, count >> 1, count - 1, count])
              await MODELS[kind].expectRead(log, events, after, {});
          }),
        ),
        { numRuns: 15 },
      );
    });
  }
}

async function withHarness(open: OpenLog, body: (harness: Harness) => Promise<void>): Promise<void> {
  const harness = await open();
  try {
    await body(harness);
  } finally {
    await harness.dispose();
  }
}

async function expectModel(harness: Harness, kind: Model, actions: readonly Action[]): Promise<void> {
  let { log } = harness;
  let isClosed = false;
  const model: NewEvent[] = [];
  const epochs = (await log.info(NAME))?.epochs;
  for (const step of actions) {
    switch (step.type) {
      case "append": {
        const batches: NewEvent[][] = [];
        let n = model.length;
        for (const length of step.sizes) {
          batches.push(Array.from({ length }, (_, index) => kind.makeEvent(n + index, step.seed)));
          n += length;
        }
        // Not awaited one by one: the order of the calls is the order of the log.
        const outcomes = await Promise.all(batches.map((batch) => log.append(NAME, batch)));
        if (isClosed) expect(new Set(outcomes.map(({ status }) => status))).toEqual(new Set(["closed"]));
        else model.push(...batches.flat());
        break;
      }
      case "read": {
        const after = Math.floor(step.from * model.length);
        await kind.expectRead(log, model, after, step);
        break;
      }
      case "reopen":
        log = (await harness.reopen?.()) ?? log;
        break;
      case "close":
        expect(await log.append(NAME, [], { close: true })).toMatchObject({
          status: isClosed ? "closed" : "appended",
        });
        isClosed = true;
        break;
    }
    expect(await log.info(NAME)).toMatchObject({ head: model.length, floor: 1, isClosed, epochs });
  }
  await kind.expectRead(log, model, 0, {});
}
