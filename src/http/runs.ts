import { Hono } from "hono";
import type { Context } from "hono";
import { z } from "zod";
import { readRun } from "../chat/run-reader.ts";
import type { Runner } from "../chat/runner.ts";
import type { Log } from "../log/log.ts";
import { StreamError } from "../protocol/error.ts";
import { sha256 } from "../protocol/hash.ts";
import { parseStreamName, runStream } from "../protocol/names.ts";
import type { StreamName } from "../protocol/names.ts";
import { accessOf } from "./auth/access.ts";
import { idempotencyKey, readBody } from "./body.ts";

export interface RunsOptions {
  log: Log;
  runner: Runner;
  now: () => number;
}

export const MAX_PROMPT_LENGTH = 200_000;
const KEY_TTL_MS = 24 * 3_600_000;

export const startSchema = z.strictObject({
  prompt: z.string().min(1).max(MAX_PROMPT_LENGTH).describe("What is asked"),
  model: z.string().min(1).max(200).optional().describe("Default: that of `GET /v1/models`"),
});
export const stopSchema = z.strictObject({});

/** `/v1/runs`. Source: PROTOCOL.md "Runs". */
export function runRoutes({ log, runner, now }: RunsOptions): Hono {
  const routes = new Hono();

  routes.post("/v1/runs", async (context) => {
    const access = accessOf(context);
    access.checkRun();
    const owner = access.id;
    const { text, body } = await readBody(context, startSchema);
    const key = idempotencyKey(context);
    const { status, run, stream } = await runner.start({
      messages: [{ role: "user", text: body.prompt }],
      mayMove: true,
      owner,
      request: context.get("requestId"),
      ...(body.model !== undefined && { model: body.model }),
      ...(key !== undefined && {
        key: {
          id: `${owner} POST /v1/runs ${key}`,
          digest: await sha256(text),
          expiresAt: now() + KEY_TTL_MS,
        },
      }),
    });
    if (status === "joined") context.header("Idempotency-Replayed", "true");
    return context.json({ run, stream }, 202);
  });

  routes.get("/v1/runs/:run", async (context) => {
    const stream = await requestStream(context);
    const read = await readRun(log, stream);
    if (read === undefined) throw unknownRun(context.req.param("run"));
    return context.json({ ...read.state, stream, cursor: read.cursor });
  });

  routes.post("/v1/runs/:run/stop", async (context) => {
    if (context.req.header("content-length") !== "0") await readBody(context, stopSchema);
    await requestStream(context);
    const { type: _, message: __, ...end } = await runner.stop(context.req.param("run"));
    return context.json(end);
  });

  return routes;
}

/** The stream of a run that is this person's. Errors: `run-unknown` 404 for anybody else's, too. */
async function requestStream(context: Context): Promise<StreamName> {
  const run = context.req.param("run") ?? "";
  if (run.includes("/") || parseStreamName(run) === "") throw unknownRun(run);
  if (!(await accessOf(context).hasRun(run))) throw unknownRun(run);
  return runStream(run);
}

function unknownRun(run: string): StreamError {
  return new StreamError(
    "run-unknown",
    `There is no run ${JSON.stringify(run.slice(0, 80))}, or it ended long ago.`,
  );
}
