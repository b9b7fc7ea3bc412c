import { createRooms, plainPaths } from "./plain.mjs";

/** `sse: "only"` routes and `reply.sse.send`, as its README has them for events from outside of the handler. */
export default {
  title: "@fastify/sse",
  packages: ["@fastify/sse", "fastify"],
  ...plainPaths,
  async serve({ port }) {
    const { default: fastify } = await import("fastify");
    const { default: sse } = await import("@fastify/sse");
    const app = fastify();
    const room = createRooms();
    let id = 0;
    const publish = (stream, event) => {
      id += 1;
      const data = typeof event === "string" ? JSON.parse(event) : event;
      for (const reply of room(stream)) reply.sse.send({ id: String(id), data }).catch(() => undefined); // a reader that has gone
    };
    await app.register(sse);
    app.get("/read/:stream", { sse: "only" }, async (request, reply) => {
      const readers = room(request.params.stream);
      reply.sse.keepAlive();
      reply.sse.sendHeaders();
      reply.raw.flushHeaders();
      readers.add(reply);
      reply.sse.onClose(() => readers.delete(reply));
    });
    app.post("/publish/:stream", (request, reply) => {
      publish(request.params.stream, request.body);
      reply.code(204).send();
    });
    await app.listen({ port, host: "127.0.0.1", backlog: 4_096 });
    return { publish };
  },
};
