import { createRooms } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";
import node from "./node.mjs";

/** `reply.sse.replay` over a history of one's own, as its README has it. Whoever has been replayed to is a reader in the same
 *  turn, so that nothing falls in between. */
export default {
  title: "@fastify/sse",
  packages: ["@fastify/sse", "fastify"],
  way: "`reply.sse.replay` with `Last-Event-ID`, over a history that the application keeps",
  yours: "a history and its bounds, the seam between replay and live",
  async serve({ port }) {
    const { default: fastify } = await import("fastify");
    const { default: sse } = await import("@fastify/sse");
    const app = fastify();
    const room = createRooms();
    const histories = new Map();
    const historyOf = (run) => histories.get(run) ?? histories.set(run, []).get(run);
    const publish = (run, message) => {
      const event = { id: String(historyOf(run).length + 1), ...message };
      historyOf(run).push(event);
      for (const reply of room(run)) reply.sse.send(event).catch(() => undefined); // a reader that has gone
    };
    await app.register(sse);
    app.get("/read/:run", { sse: "only" }, async ({ params: { run } }, reply) => {
      reply.sse.keepAlive();
      reply.sse.sendHeaders();
      reply.raw.flushHeaders();
      const history = historyOf(run);
      let next = 0;
      await reply.sse.replay(async (lastEventId) => {
        next = history.findIndex(({ id }) => id === lastEventId) + 1;
      });
      while (next < history.length && reply.sse.isConnected) await reply.sse.send(history[next++]);
      room(run).add(reply);
      reply.sse.onClose(() => room(run).delete(reply));
    });
    await app.listen({ port, host: "127.0.0.1" });
    return {
      async start(run) {
        for await (const text of speak(run)) publish(run, { data: { text } });
        publish(run, { event: "end", data: {} });
      },
    };
  },
  read: (options) => node.read(options),
};
