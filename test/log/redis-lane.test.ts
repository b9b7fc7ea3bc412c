import { expect, test } from "vitest";
import { Lane } from "../../src/log/redis-lane.ts";
import { LinkLostError } from "../../src/log/redis-link.ts";
import type { RedisLink } from "../../src/log/redis-link.ts";

const CALL = { script: "append", keys: [], args: [], isSafe: true } as const;

/** A lane whose one connection is gone after what it sends first. */
function lostLane(): Lane {
  let isThere = true;
  const link: Partial<RedisLink> = {
    identity: { runId: "one", isCluster: false },
    send() {
      isThere = false;
      return Promise.reject(new LinkLostError("the connection was lost"));
    },
  };
  const route = { link: () => (isThere ? (link as RedisLink) : undefined), onMoved() {} }; // all that a lane asks of it
  return new Lane(route, { timeoutMs: 50 });
}

test("what was sent, and could not be sent again in its time, is not said to be untaken", async () => {
  const lane = lostLane();
  const sent = lane.run(CALL);
  await expect(sent).rejects.toThrow("it is not known whether this was taken");
  // Never sent.
  await expect(lane.run(CALL)).rejects.toThrow("Nothing was taken");
  await lane.close();
});
