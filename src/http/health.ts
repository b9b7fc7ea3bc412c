import { Hono } from "hono";
import type { Log } from "../log/log.ts";
import type { StreamName } from "../protocol/names.ts";

/** `/healthz`: the process answers. `/readyz`: it takes requests, and its log can be read. */
export function healthRoutes(log: Log, isDraining: () => boolean): Hono {
  const routes = new Hono();
  routes.get("/healthz", (context) => context.json({ status: "ok" }));
  routes.get("/readyz", async (context) => {
    if (isDraining()) return context.json({ status: "draining" }, 503);
    await log.info("sys/ready" as StreamName); // a valid name
    return context.json({ status: "ready" });
  });
  return routes;
}
