/** "Chatbot Resume Streams" of its documentation: `streamText`, and the stream kept by `resumable-stream` over Redis, whose own CPU is
 *  not counted. */
export default {
  title: "AI SDK + resumable-stream",
  packages: ["ai", "@ai-sdk/openai-compatible", "resumable-stream", "redis", "@hono/node-server"],
  needsRedis: true,
  readPath: () => "/v1/chat/completions",
  async serve({ port }) {
    const { generateId, streamText } = await import("ai");
    const { createOpenAICompatible } = await import("@ai-sdk/openai-compatible");
    const { createResumableStreamContext } = await import("resumable-stream");
    const { serve } = await import("@hono/node-server");
    const provider = createOpenAICompatible({ name: "bench", baseURL: process.env.OPENAI_BASE_URL });
    const context = createResumableStreamContext({ waitUntil: () => undefined });
    const fetch = async (request) => {
      const { messages } = await request.json();
      const result = streamText({ model: provider.chatModel("bench"), messages });
      return result.toUIMessageStreamResponse({
        consumeSseStream: async ({ stream }) =>
          void (await context.createNewResumableStream(generateId(), () => stream)),
      });
    };
    await new Promise((resolve) => void serve({ fetch, port, hostname: "127.0.0.1" }, resolve));
    return {};
  },
};
