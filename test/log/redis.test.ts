import { afterAll, beforeAll } from "vitest";
import { openRedisLogs, startRedis } from "../support/redis.ts";
import type { RedisServer } from "../support/redis.ts";
import { describeLog } from "./conformance.ts";

let redis: RedisServer | undefined;
beforeAll(async () => {
  redis = await startRedis();
});
afterAll(() => redis?.[Symbol.asyncDispose]());

describeLog(
  "a log in Redis",
  openRedisLogs(() => redis?.url),
);
