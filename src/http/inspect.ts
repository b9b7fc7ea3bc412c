import { Hono } from "hono";
import type { RunEnded, RunLook } from "../chat/run-reports.ts";
import type { Hub } from "../hub/hub.ts";
import { StreamError } from "../protocol/error.ts";
import type { RecentReport } from "./recent-reports.ts";
import { accessOf } from "./auth/access.ts";

export interface InspectOptions {
  hub: Pick<Hub, "look" | "gone" | "cut" | "counts">;
  /** Runs that this process generates, and the last that have ended, latest first. */
  runs: () => readonly (RunLook | RunEnded)[];
  /** What clients have reported, latest first. */
  reports: () => readonly RecentReport[];
}

/** As many as a page can show. */
const MAX_READERS = 500;

/** `/v1/inspect`, by the right `admin`: readers and runs as they stand on this node, and the knife. Source: PROTOCOL.md "Inspection". */
export function inspectRoutes({ hub, runs, reports }: InspectOptions): Hono {
  const routes = new Hono();

  routes.get("/v1/inspect", (context) => {
    accessOf(context).checkAdmin();
    const find = context.req.query("find") ?? "";
    const holds = (one: object) => find === "" || JSON.stringify(one).includes(find.slice(0, 200));
    context.header("Cache-Control", "no-store");
    const readers = hub.look().filter(holds);
    return context.json({
      at: Date.now(),
      counts: hub.counts,
      total: readers.length,
      readers: readers.slice(0, MAX_READERS),
      gone: hub.gone().filter(holds),
      runs: runs().filter(holds),
      reports: reports().filter(holds),
    });
  });

  routes.post("/v1/inspect/readers/:id/cut", (context) => {
    accessOf(context).checkAdmin();
    const { id } = context.req.param();
    if (!/^\d{1,15}$/.test(id) || !hub.cut(Number(id)))
      throw new StreamError(
        "reader-unknown",
        `There is no reader ${JSON.stringify(id.slice(0, 40))} here: it has gone, or is on another node.`,
      );
    return context.body(null, 204);
  });

  return routes;
}
