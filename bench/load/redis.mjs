import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startCommand } from "../children.mjs";

/** From Debian. */
export const REDIS = "/usr/bin/redis-server";

/** Starts a Redis that keeps nothing on the disk; what a server must be told to find it is in `env`. */
export async function startRedis() {
  const folder = mkdtempSync(join(tmpdir(), "millrace-redis-"));
  const port = await freePort();
  const args = ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--dir", folder];
  const redis = await startCommand(REDIS, args, { port, cwd: folder });
  return {
    pid: redis.pid,
    env: { REDIS_URL: `redis://127.0.0.1:${port}` },
    async stop() {
      await redis.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
