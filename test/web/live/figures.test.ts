import { expect, test } from "vitest";
import { FIGURES, readFigures, sayBytes } from "../../../web/live/figures.ts";

const figures = {
  type: "figures",
  at: 1,
  readers: 1_200,
  behind: 0,
  events: 3,
  bytes: 2_048,
  runs: 1,
  firstTokenMs: 41,
  loopMs: 0.4,
  heap: 1,
  memory: 99_999_999,
};

test("each figure says what the server said, with its unit", () => {
  const read = readFigures(figures);
  if (read === undefined) throw new Error("these are figures");
  const said = FIGURES.map(({ name, read: of, say }) => {
    const value = of(read);
    return [name, value === undefined ? "–" : `${say(value).value}${say(value).unit}`];
  });
  expect(Object.fromEntries(said)).toEqual({
    Readers: "1,200",
    Behind: "0",
    Events: "3/s",
    Sent: "2.0 KB/s",
    Runs: "1",
    "First token": "41 ms",
    "Event loop": "0.4 ms",
    Memory: "95.4 MB",
  });
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1_000, "1.0 KB"],
  [1_023_487, "999 KB"],
  [1_048_576, "1.0 MB"],
  [5e12, "4657 GB"],
])("%i bytes are %s", (bytes, text) => {
  const { value, unit } = sayBytes(bytes, "");
  expect(value + unit).toBe(text);
});

test.each([
  {},
  { ...figures, type: "other" },
  { ...figures, readers: "9" },
  { ...figures, loopMs: undefined },
])("what is not whole is not shown: %#", (event) => {
  expect(readFigures(event)).toBeUndefined();
});

test("a member that is not known is passed over", () => {
  expect(readFigures({ ...figures, later: true })).toMatchObject({ readers: 1_200 });
});
