import { afterAll, beforeAll } from "vitest";
import { openRedisLogs, startRedisCluster } from "../support/redis.ts";
import type { RedisCluster } from "../support/redis.ts";
import { describeLog } from "./conformance.ts";

let redis: RedisCluster | undefined;
beforeAll(async () => {
  redis = await startRedisCluster();
});
afterAll(() => redis?.[Symbol.asyncDispose]());

describeLog(
  "a log in a Redis Cluster of three masters",
  openRedisLogs(() => redis?.url),
);
