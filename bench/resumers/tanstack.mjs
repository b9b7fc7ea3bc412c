import { speak } from "./answer.mjs";

/** "Resumable Streams" of its documentation, with a speaker in the model's place. `batch: 1`, since the default hands out words in
 *  lumps of 32. */
export default {
  title: "TanStack AI with durability",
  packages: ["@tanstack/ai", "@tanstack/ai-client", "@hono/node-server"],
  way: "`fetchServerSentEvents` sends its POST again with `Last-Event-ID`; `memoryStream` keeps the answer",
  yours: "a store for more than one process, a POST that can be sent again",
  async serve({ port }) {
    const { memoryStream, resumeServerSentEventsResponse, toServerSentEventsResponse } =
      await import("@tanstack/ai");
    const { serve } = await import("@hono/node-server");
    const fetch = (request) => {
      const adapter = memoryStream(request);
      if (request.method === "GET") return resumeServerSentEventsResponse({ adapter });
      const run = request.headers.get("X-Run-Id");
      return toServerSentEventsResponse(chunksOf(run), { durability: { adapter, batch: 1 } });
    };
    await new Promise((resolve) => void serve({ fetch, port, hostname: "127.0.0.1" }, resolve));
    return {};
  },
  begin: (run) => ({ path: "/api/chat", method: "POST", body: "{}", headers: { "X-Run-Id": run } }),
  again: (run) => ({ path: `/api/chat?offset=-1&runId=${run}` }),
  async read({ url, run, say, signal }) {
    const { EventType } = await import("@tanstack/ai");
    const { fetchServerSentEvents } = await import("@tanstack/ai-client");
    const connection = fetchServerSentEvents(`${url}/api/chat`);
    const messages = [{ id: "m0", role: "user", parts: [{ type: "text", content: run }] }];
    for await (const chunk of connection.connect(messages, {}, signal, { threadId: run, runId: run }))
      if (chunk.type === EventType.TEXT_MESSAGE_CONTENT) say(chunk.delta);
  },
};

/** What `chat()` yields. */
async function* chunksOf(run) {
  const common = { threadId: run, runId: run };
  const messageId = `${run}-answer`;
  yield { type: "RUN_STARTED", ...common };
  yield { type: "TEXT_MESSAGE_START", messageId, role: "assistant" };
  for await (const delta of speak(run)) yield { type: "TEXT_MESSAGE_CONTENT", messageId, delta };
  yield { type: "TEXT_MESSAGE_END", messageId };
  yield { type: "RUN_FINISHED", ...common, finishReason: "stop" };
}
