import fc from "fast-check";
import { expect, test } from "vitest";
import type { NewEvent } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { NAME, delta, event, readAll, textOf } from "./support.ts";

/** What may be done to a stream; a plain array beside it says what must be read. */
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("append" as const), size: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("read" as const),
      from: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("reopen" as const) }) },
);

export function testModel(open: OpenLog): void {
  for (const kind of ["log", "chat"] as const) {
    test(`a ${kind} equals a plain array under any row of appends, reads and restarts`, async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(action, { maxLength: 25 }),
          fc.integer({ min: 1, max: 500 }),
          async (actions, maxLength) => {
            const harness = await open();
            let { log } = harness;
            const model: string[] = [];
            try {
              await log.create(NAME, { kind });
              for (const step of actions) {
                if (step.type === "append") {
                  const events = Array.from({ length: step.size }, (_, n): NewEvent =>
                    kind === "log" ? event(model.length + n) : delta(`${model.length + n} `),
                  );
                  // Not awaited one by one: the order of the calls is the order of the log.
                  await Promise.all(events.map((one) => log.append(NAME, [one])));
                  model.push(...events.map(({ data }) => data));
                }
                if (step.type === "reopen") log = (await harness.reopen?.()) ?? log;
                if (step.type === "read") {
                  const after = Math.floor(step.from * model.length);
                  const { entries } = await readAll(log, after, { maxLength });
                  if (kind === "log") expect(entries.map(({ data }) => data)).toEqual(model.slice(after));
                  else
                    expect(textOf(entries)).toBe(
                      model
                        .slice(after)
                        .map((_, n) => `${after + n} `)
                        .join(""),
                    );
                }
              }
            } finally {
              await harness.dispose();
            }
          },
        ),
        { numRuns: 15 },
      );
    });
  }
}
