import { expect, test } from "vitest";
import type { Commit, StreamInfo } from "../../src/log/log.ts";
import { createWatchers } from "../../src/log/redis-watch.ts";
import { parseStreamName } from "../../src/protocol/names.ts";
import { DEFAULT_RETENTION } from "../../src/log/stream-rules.ts";

const STREAM = parseStreamName("tests/watch");

test("who watches is told where the stream stands once that is known: it may have read before", async () => {
  const info: StreamInfo = {
    kind: "log",
    epochs: [{ epoch: "firstepoc", from: 1 }],
    floor: 1,
    head: 5,
    isClosed: true,
    retention: DEFAULT_RETENTION.log,
  };
  const told: Commit[] = [];
  const watchers = createWatchers(async () => ({ status: "page", info, entries: [], commit: 9 }));
  watchers.watch(STREAM, (commit) => told.push(commit));
  await expect.poll(() => told).toEqual([{ type: "appended", entries: [], info }]);
  watchers.close();
});
