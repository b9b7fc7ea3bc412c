import { setTimeout as sleep } from "node:timers/promises";
import { speak } from "./answer.mjs";

const RETRY_MS = 1_000;

/** The idempotent GET of its README with `resumeAt`, on a real Redis, and a client that counts what it has. */
export default {
  title: "resumable-stream, resumeAt",
  packages: ["resumable-stream", "redis", "@hono/node-server"],
  needsRedis: true,
  way: "GET with `resumeAt`, the number of characters that the client has; 422 once the answer has ended",
  yours: "a client that counts and reconnects, a copy of what has ended",
  async serve({ port }) {
    const { createResumableStreamContext } = await import("resumable-stream");
    const { serve } = await import("@hono/node-server");
    const context = createResumableStreamContext({ waitUntil: () => undefined });
    const fetch = async (request) => {
      const { pathname, searchParams } = new URL(request.url);
      const run = pathname.slice(1);
      const resumeAt = searchParams.get("resumeAt");
      const stream = await context.resumableStream(
        run,
        () => ReadableStream.from(speak(run)),
        resumeAt ? Number(resumeAt) : undefined,
      );
      if (!stream) return new Response("Stream is already done", { status: 422 });
      const headers = { "Content-Type": "text/event-stream" };
      return new Response(stream.pipeThrough(new TextEncoderStream()), { headers });
    };
    await new Promise((resolve) => void serve({ fetch, port, hostname: "127.0.0.1" }, resolve));
    return {};
  },
  async read({ url, run, say, signal }) {
    for (let have = 0; !signal.aborted; await sleep(RETRY_MS)) {
      try {
        const response = await fetch(`${url}/${run}?resumeAt=${have || ""}`, { signal });
        if (response.status === 422) throw new Error("gone", { cause: "gone" });
        for await (const text of response.body.pipeThrough(new TextDecoderStream())) {
          have += text.length;
          say(text);
        }
        return;
      } catch (error) {
        if (error.cause === "gone") throw error;
        // The network: it tries again.
      }
    }
  },
};
