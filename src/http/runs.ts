import { Hono } from "hono";
import { z } from "zod";
import type { Runner } from "../chat/runner.ts";
import type { ModelRegistry } from "../chat/models.ts";
import type { Log } from "../log/log.ts";
import { cursorAt, formatCursor } from "../protocol/cursor.ts";
import { StreamError } from "../protocol/error.ts";
import type { Entry } from "../protocol/event.ts";
import { sha256 } from "../protocol/hash.ts";
import { parseStreamName, runStream } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { foldRun } from "../protocol/run.ts";
import { idempotencyKey, readBody } from "./body.ts";

export interface RunsOptions {
  log: Log;
  runner: Runner;
  models: ModelRegistry;
  now: () => number;
}

export const MAX_PROMPT_LENGTH = 200_000;
const KEY_TTL_MS = 24 * 3_600_000;

const startSchema = z.strictObject({
  prompt: z.string().min(1).max(MAX_PROMPT_LENGTH),
  model: z.string().min(1).max(200).optional(),
});
const stopSchema = z.strictObject({});

/** `/v1/runs` and `/v1/models`. Source: PROTOCOL.md "Runs". */
export function runRoutes({ log, runner, models, now }: RunsOptions): Hono {
  const routes = new Hono();

  routes.post("/v1/runs", async (context) => {
    const { text, body } = await readBody(context, startSchema);
    const key = idempotencyKey(context);
    const { status, run, stream } = await runner.start({
      messages: [{ role: "user", text: body.prompt }],
      ...(body.model !== undefined && { model: body.model }),
      ...(key !== undefined && {
        key: { id: `local POST /v1/runs ${key}`, digest: await sha256(text), expiresAt: now() + KEY_TTL_MS },
      }),
    });
    if (status === "joined") context.header("Idempotency-Replayed", "true");
    return context.json({ run, stream }, 202);
  });

  routes.get("/v1/runs/:run", async (context) => {
    const stream = requestStream(context.req.param("run"));
    const entries: Entry[] = [];
    for (;;) {
      const page = await log.read(stream, entries.at(-1)?.offset ?? 0, { maxLength: 1_048_576 });
      if (page.status !== "page") throw unknownRun(context.req.param("run"));
      entries.push(...page.entries);
      const last = entries.at(-1)?.offset ?? 0;
      if (page.entries.length > 0 && last < page.info.head) continue;
      const cursor = formatCursor(cursorAt(page.info.epochs, last));
      return context.json({ ...foldRun(entries), stream, cursor });
    }
  });

  routes.post("/v1/runs/:run/stop", async (context) => {
    if (context.req.header("content-length") !== "0") await readBody(context, stopSchema);
    requestStream(context.req.param("run"));
    const { type: _, message: __, ...end } = await runner.stop(context.req.param("run"));
    return context.json(end);
  });

  routes.get("/v1/models", async (context) => {
    const list = await models.list();
    const data = list.map(({ id, origin, description }) => ({
      id,
      object: "model",
      created: 0,
      owned_by: origin,
      origin,
      ...(description !== undefined && { description }),
    }));
    return context.json({ object: "list", data, default: (await models.find())?.model });
  });

  return routes;
}

function requestStream(run: string): StreamName {
  if (run.includes("/") || parseStreamName(run) === "") throw unknownRun(run);
  return runStream(run);
}

function unknownRun(run: string): StreamError {
  return new StreamError(
    "run-unknown",
    `There is no run ${JSON.stringify(run.slice(0, 80))}, or it ended long ago.`,
  );
}
