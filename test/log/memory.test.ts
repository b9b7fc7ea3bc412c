import { createMemoryLog } from "../../src/log/memory.ts";
import { describeLog } from "./conformance.ts";

describeLog("a log in memory", async (options) => {
  const log = createMemoryLog(options);
  return { log, dispose: () => log.close() };
});
