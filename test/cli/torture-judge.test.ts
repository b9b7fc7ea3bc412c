import { expect, test } from "vitest";
import { judge } from "../../src/cli/torture/judge.ts";
import type { ReaderReport } from "../../src/cli/torture/reader.ts";
import { emptyReport } from "../../src/cli/torture/report.ts";

const good: ReaderReport = { sha256: "a", reason: "stop", gaps: 0, doubles: 0, resets: 0, connections: 1 };
const other: ReaderReport = { ...good, sha256: "b" };

function judged(...reports: (ReaderReport | undefined)[]) {
  const total = emptyReport(1, 2);
  judge(reports, total);
  const { readers, losses, unended } = total;
  return { readers, losses, unended };
}

test("a reader that is wrong counts once, the first as well as the last", () => {
  for (const reports of [
    [other, good, good],
    [good, good, other],
  ])
    expect(judged(...reports)).toEqual({ readers: 3, losses: 1, unended: 0 });
  expect(judged(undefined, good, good)).toEqual({ readers: 3, losses: 1, unended: 1 });
});

test("what the writer said counts for more than what most have read", () => {
  expect(judged({ ...other, said: "b" }, { ...good, said: "b" }, { ...good, said: "b" })).toMatchObject({
    losses: 2,
  });
});

test("a run whose end some read otherwise is no whole one", () => {
  expect(judged(good, good, { ...good, reason: "interrupted" })).toMatchObject({ losses: 1 });
  expect(judged(good, good, good)).toMatchObject({ losses: 0 });
});

test("resets, gaps and doubles are counted of each", () => {
  const total = emptyReport(1, 2);
  judge([{ ...good, resets: 1 }, { ...good, gaps: 2, doubles: 3 }, good], total);
  expect(total).toMatchObject({ resets: 1, gaps: 2, doubles: 3, losses: 0 });
});
