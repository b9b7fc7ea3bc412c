import { chromiumGet } from "../load/chromium-head.mjs";
import { createRooms, streamOf } from "./plain.mjs";

/** `send` per socket, as the README of ws has its broadcast. */
export default {
  title: "WebSocket (ws)",
  packages: ["ws"],
  readPath: (stream) => `/read/${stream}`,
  handshake: (port, path) => chromiumGet("ws", port, path),
  transport: { kind: "ws" },
  async serve({ port }) {
    const { WebSocketServer } = await import("ws");
    const room = createRooms();
    const server = new WebSocketServer({ port, host: "127.0.0.1", backlog: 4_096 });
    server.on("connection", (socket, request) => {
      const readers = room(streamOf(request.url));
      readers.add(socket);
      socket.on("error", () => undefined); // `close` follows
      socket.on("close", () => readers.delete(socket));
    });
    return { publish: (stream, data) => room(stream).forEach((socket) => socket.send(data)) };
  },
};
