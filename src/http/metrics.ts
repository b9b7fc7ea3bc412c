import { Hono } from "hono";
import { z } from "zod";
import { accessOf } from "./auth/access.ts";
import { readBody } from "./body.ts";

/** What clients say of their deliveries. */
export interface DeliveryReport {
  gaps: number;
  doubles: number;
}

export interface MetricsOptions {
  /** All figures, as Prometheus reads them. */
  render: () => Promise<{ type: string; text: string }>;
  /** `by`: whose client it was, and the id of its request. */
  onReport: (report: DeliveryReport, by: { who: string; request: string }) => void;
}

const count = z.int().min(0).max(10_000).default(0);
export const reportSchema = z.strictObject({
  gaps: count.describe("Events that were missing, and were then read again"),
  doubles: count.describe("Events that came twice, and were passed over"),
});

/** `GET /metrics` for Prometheus, by the right `admin`; `POST /v1/reports`, what a client found wrong. Source: PROTOCOL.md "Metrics". */
export function metricsRoutes({ render, onReport }: MetricsOptions): Hono {
  const routes = new Hono();
  routes.get("/metrics", async (context) => {
    accessOf(context).checkAdmin();
    const { type, text } = await render();
    return context.body(text, 200, { "content-type": type, "cache-control": "no-store" });
  });
  routes.post("/v1/reports", async (context) => {
    const { body } = await readBody(context, reportSchema);
    onReport(body, { who: accessOf(context).id, request: context.get("requestId") });
    return context.body(null, 204);
  });
  return routes;
}
