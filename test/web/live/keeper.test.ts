import { expect, test, vi } from "vitest";
import { createKeeper, overlay } from "../../../web/live/keeper.ts";
import type { Match } from "../../../web/live/match.ts";
import { gate } from "../../support/app.ts";

const match: Match = { key: "m", teams: ["A", "B"], home: 0, away: 0, status: "live", began: 0, at: 0 };

test("what a person does is shown at once; while a request is under way the rest goes as one", async () => {
  const { opened, open } = gate();
  const sent: object[] = [];
  const keeper = createKeeper(async (event) => {
    sent.push(event);
    if (sent.length === 1) await opened;
    return `aaaaaaaa.${sent.length}`;
  });
  for (const step of [1, 1, 1]) keeper.change(match, (now) => ({ ...now, home: now.home + step }));
  expect(overlay([match], keeper.getSnapshot().drafts)).toEqual([{ ...match, home: 3 }]);
  open();
  await vi.waitFor(() => expect(keeper.getSnapshot().drafts.get("m")?.cursor).toBe("aaaaaaaa.2"));
  expect(sent).toEqual([
    { type: "score", ...match, home: 1 },
    { type: "score", ...match, home: 3 },
  ]);
});

test("a draft stands until the stream shows it or what came after", async () => {
  const keeper = createKeeper(() => Promise.resolve("aaaaaaaa.5"));
  keeper.change({ ...match, home: 1 });
  await vi.waitFor(() => expect(keeper.getSnapshot().drafts.get("m")?.cursor).toBe("aaaaaaaa.5"));
  keeper.settle("aaaaaaaa.4");
  expect(keeper.getSnapshot().drafts.size).toBe(1);
  keeper.settle("aaaaaaaa.5");
  expect(keeper.getSnapshot().drafts.size).toBe(0);
});

test("what is removed while a score is under way goes after it", async () => {
  const { opened, open } = gate();
  const sent: object[] = [];
  const keeper = createKeeper(async (event) => {
    sent.push(event);
    await opened;
    return `aaaaaaaa.${sent.length}`;
  });
  keeper.change(match);
  keeper.remove("m");
  expect(overlay([match], keeper.getSnapshot().drafts)).toEqual([]);
  open();
  await vi.waitFor(() => expect(sent).toHaveLength(2));
  expect(sent[1]).toEqual({ key: "m", deleted: true });
});

test("what is refused is taken back, and says why", async () => {
  const keeper = createKeeper(() => Promise.reject(new Error("No.")));
  keeper.change({ ...match, home: 1 });
  await vi.waitFor(() => expect(keeper.getSnapshot().error).toBe("No."));
  expect(overlay([match], keeper.getSnapshot().drafts)).toEqual([match]);
});
