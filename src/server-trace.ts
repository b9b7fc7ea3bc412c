import { SpanStatusCode, trace } from "@opentelemetry/api";
import type { RunEnded } from "./chat/run-reports.ts";

/** Tells of a run that is over as a span, with its first token as an event of it. Where no exporter is configured it costs a call that does
 *  nothing. Names are those of OpenTelemetry's conventions for generative models. */
export function traceRun(run: RunEnded): void {
  const span = trace.getTracer("millrace").startSpan(`chat ${run.model ?? "model"}`, {
    startTime: run.startedAt,
    attributes: {
      "gen_ai.operation.name": "chat",
      ...(run.model !== undefined && { "gen_ai.request.model": run.model }),
      ...(run.usage?.inputTokens !== undefined && { "gen_ai.usage.input_tokens": run.usage.inputTokens }),
      ...(run.usage?.outputTokens !== undefined && { "gen_ai.usage.output_tokens": run.usage.outputTokens }),
      "millrace.run": run.run,
      "millrace.stream": run.stream,
      "millrace.reason": run.reason,
      "millrace.deltas": run.deltas,
      ...(run.request !== undefined && { "millrace.request": run.request }),
    },
  });
  if (run.firstAt !== undefined) span.addEvent("first token", run.firstAt);
  if (run.error !== undefined) {
    span.setAttribute("error.type", run.error);
    span.setStatus({ code: SpanStatusCode.ERROR, message: run.error });
  }
  span.end(run.endedAt);
}
