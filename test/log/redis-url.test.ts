import { expect, test } from "vitest";
import { partitionOf, slotOf } from "../../src/log/redis-keys.ts";
import { RedisLogError, parseRedisUrl } from "../../src/log/redis-url.ts";

test("reads addresses, and shows them without a password", () => {
  expect(parseRedisUrl("redis://localhost")).toEqual({
    seeds: [{ host: "localhost", port: 6379 }],
    access: {},
    prefix: "millrace",
    shown: "redis://localhost",
  });
  expect(parseRedisUrl("rediss://ada:p%40ss:word@a:7000,[::1]:7001/3?prefix=chat")).toEqual({
    seeds: [
      { host: "a", port: 7000 },
      { host: "::1", port: 7001 },
    ],
    access: { username: "ada", password: "p@ss:word", db: 3, tls: {} },
    prefix: "chat",
    shown: "rediss://a:7000,[::1]:7001",
  });
  expect(() => parseRedisUrl("redis://")).toThrow("no address of Redis");
});

test.each(["redis//ada:secret@localhost", "redis://ada:secret%@localhost"])(
  "refuses %s without showing the password",
  (url) => {
    expect(() => parseRedisUrl(url)).toThrow(RedisLogError);
    expect(() => parseRedisUrl(url)).not.toThrow("secret");
  },
);

test("spreads names over partitions, and knows their slots", () => {
  const counts = new Map<number, number>();
  for (let n = 0; n < 6_400; n++) {
    const partition = partitionOf(`chats/${n.toString(36)}`);
    counts.set(partition, (counts.get(partition) ?? 0) + 1);
  }
  expect(counts.size).toBe(64);
  expect(Math.max(...counts.values())).toBeLessThan(170);
  // As `CLUSTER KEYSLOT` says.
  expect([0, 1, 17, 63].map(slotOf)).toEqual([13_907, 9_842, 12_304, 10_499]);
});
