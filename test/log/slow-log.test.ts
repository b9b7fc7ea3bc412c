import { createMemoryLog } from "../../src/log/memory.ts";
import { createRandom } from "../support/seeded.ts";
import { createSlowLog, oneTurn } from "../support/slow-log.ts";
import { describeLog } from "./conformance.ts";

describeLog("a log behind a slow network", async (options) => {
  const log = createMemoryLog(options);
  return {
    log: createSlowLog(log, { random: createRandom(1), delayMs: [0, 1], sleep: oneTurn }),
    dispose: () => log.close(),
  };
});
