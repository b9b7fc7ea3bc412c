import { expect } from "vitest";
import type { Log } from "../../../src/log/log.ts";
import type { OpenLog } from "../conformance.ts";
import { LOG, NAME, OTHER, event, readNumbers, withLog } from "./support.ts";

export function testKeys(open: OpenLog): void {
  withLog("appends once under a key, and says so with the first answer", open, async (log, { reopen }) => {
    const first = await claim(log, 1);
    expect(first).toMatchObject({ status: "appended", last: 1 });
    const record = {
      digest: "d",
      stream: NAME,
      cursor: first.status === "appended" ? first.cursor : "",
      note: "n",
    };
    expect(await claim(log, 2)).toEqual({ status: "replayed", record });
    expect(await log.key("k")).toEqual(record);
    const again = (await reopen?.()) ?? log;
    expect(await claim(again, 3)).toEqual({ status: "replayed", record });
    expect(await readNumbers(again)).toEqual([1]);
  });

  withLog("refuses another body under the same key", open, async (log) => {
    await claim(log, 1);
    expect(await claim(log, 2, "other")).toEqual({ status: "key-reused" });
    expect(await readNumbers(log)).toEqual([1]);
  });

  withLog("appends once where ten come at the same time", open, async (log) => {
    const outcomes = await Promise.all(Array.from({ length: 10 }, (_, n) => claim(log, n)));
    expect(outcomes.map(({ status }) => status).sort((a, b) => (a < b ? -1 : 1))).toEqual([
      "appended",
      ...Array.from({ length: 9 }, () => "replayed"),
    ]);
    expect(await readNumbers(log)).toEqual([0]);
  });

  withLog("keeps no key of an append that was refused", open, async (log) => {
    await log.append(NAME, [event(1)], { ...LOG, close: true });
    expect(await claim(log, 2)).toMatchObject({ status: "closed" });
    expect(await log.key("k")).toBeUndefined();
  });

  withLog(
    "holds one key for all streams, and claims none for a stream that is missing",
    open,
    async (log) => {
      const key = { id: "k", digest: "d" };
      expect(await log.append(NAME, [event(1)], { key })).toEqual({ status: "missing" });
      expect(await log.key("k")).toBeUndefined();
      const first = await claim(log, 1);
      expect(first).toMatchObject({ status: "appended" });
      expect(await log.append(OTHER, [event(2)], { ...LOG, key })).toMatchObject({
        status: "replayed",
        record: { stream: NAME },
      });
      expect(await log.info(OTHER)).toBeUndefined();
    },
  );

  withLog("sets the time of a key whose claim is under way", open, async (log, { setNow, reopen }) => {
    setNow(1_000);
    const outcome = claim(log, 1);
    await log.expireKey("k", 1_500);
    expect(await outcome).toMatchObject({ status: "appended" });
    expect(await log.key("k")).toMatchObject({ expiresAt: 1_500 });
    const again = (await reopen?.()) ?? log;
    setNow(1_499);
    expect(await again.key("k")).toMatchObject({ digest: "d" });
    setNow(1_500);
    expect(await again.key("k")).toBeUndefined();
  });

  withLog("sets no time for a key that was not claimed", open, async (log) => {
    await log.expireKey("k", 2_000_000);
    expect(await log.key("k")).toBeUndefined();
    expect(await claim(log, 1)).toMatchObject({ status: "appended" });
  });

  withLog("forgets a key at its time, which can be set later", open, async (log, { setNow }) => {
    setNow(1_000);
    await claim(log, 1, "d", 2_000);
    setNow(1_999);
    expect(await log.key("k")).toMatchObject({ digest: "d" });
    await log.expireKey("k", 3_000);
    setNow(2_500);
    expect(await log.key("k")).toMatchObject({ digest: "d" });
    setNow(3_000);
    expect(await log.key("k")).toBeUndefined();
    expect(await claim(log, 2)).toMatchObject({ status: "appended", last: 2 });
  });
}

function claim(log: Log, n: number, digest = "d", expiresAt?: number) {
  const key = { id: "k", digest, note: "n", ...(expiresAt !== undefined && { expiresAt }) };
  return log.append(NAME, [event(n)], { ...LOG, key });
}
