/** "Resumable Streams" of its documentation, in memory, with `batch: 1`: the default hands out tokens in lumps of 32. The provider's
 *  stream is read with `eventsource-parser`, since its own adapter speaks another API than the provider here. */
export default {
  title: "TanStack AI with durability",
  packages: ["@tanstack/ai", "eventsource-parser", "@hono/node-server"],
  readPath: () => "/v1/chat/completions",
  async serve({ port }) {
    const { memoryStream, toServerSentEventsResponse } = await import("@tanstack/ai");
    const { serve } = await import("@hono/node-server");
    const fetch = async (request) => {
      const durability = { adapter: memoryStream(request), batch: 1 };
      return toServerSentEventsResponse(relay(await request.text()), { durability });
    };
    await new Promise((resolve) => void serve({ fetch, port, hostname: "127.0.0.1" }, resolve));
    return {};
  },
};

/** What `chat()` yields. */
async function* relay(body) {
  const { EventSourceParserStream } = await import("eventsource-parser/stream");
  const run = { threadId: crypto.randomUUID(), runId: crypto.randomUUID() };
  const messageId = crypto.randomUUID();
  const answer = await fetch(`${process.env.OPENAI_BASE_URL}/chat/completions`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body,
  });
  yield { type: "RUN_STARTED", ...run };
  yield { type: "TEXT_MESSAGE_START", messageId, role: "assistant" };
  for await (const { data } of answer.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream())) {
    const delta = data === "[DONE]" ? undefined : JSON.parse(data).choices[0].delta.content;
    if (delta) yield { type: "TEXT_MESSAGE_CONTENT", messageId, delta };
  }
  yield { type: "TEXT_MESSAGE_END", messageId };
  yield { type: "RUN_FINISHED", ...run, finishReason: "stop" };
}
