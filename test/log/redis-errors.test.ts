import { expect, test } from "vitest";
import { explainFailure } from "../../src/log/redis-errors.ts";
import { LinkLostError } from "../../src/log/redis-link.ts";

// As Redis 7.0 says them, and as 6.2 says the same of a command within a script.
test.each([
  ["MOVED 3999 127.0.0.1:6381", "moved"],
  ["ASK 3999 127.0.0.1:6381", "moved"],
  ["CLUSTERDOWN The cluster is down", "moved"],
  ["TRYAGAIN Multiple keys request during rehashing of slot", "moved"],
  ["READONLY You can't write against a read only replica.", "not-a-master"],
  [
    "ERR Error running script: @user_script:12: -READONLY You can't write against a read only replica.",
    "not-a-master",
  ],
  ["MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.", "not-a-master"],
  ["NOSCRIPT No matching script. Please use EVAL.", "no-script"],
  ["LOADING Redis is loading the dataset in memory", "busy"],
  ["BUSY Redis is busy running a script.", "busy"],
  ["NOREPLICAS Not enough good replicas to write.", "busy"],
  [
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "busy",
  ],
  ["UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)", "busy"],
])("what Redis refuses took no effect, and is sent again: %s", (message, by) => {
  expect(explainFailure(new Error(message))).toEqual({ status: "refused", by });
});

test("a Redis out of memory refuses for good, in either form; a lost connection says nothing; a bug is a bug", () => {
  for (const message of [
    "OOM command not allowed when used memory > 'maxmemory'.",
    "ERR Error running script: @user_script:4: @user_script: 4: -OOM command not allowed when used memory > 'maxmemory'.",
  ]) {
    const failure = explainFailure(new Error(message));
    expect(failure).toMatchObject({ status: "failed", error: { code: "log-full" } });
  }
  expect(explainFailure(new LinkLostError("gone"))).toEqual({ status: "lost" });
  const failure = explainFailure(new Error("ERR user_script:1: attempt to index a nil value"));
  expect(failure).toMatchObject({
    status: "failed",
    error: { message: expect.stringContaining("nil value") },
  });
});
