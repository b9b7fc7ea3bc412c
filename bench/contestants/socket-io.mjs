import { createServer } from "node:http";
import { chromiumGet, clientFrame } from "../load/chromium-head.mjs";
import { listen } from "./plain.mjs";

/** Rooms, and the WebSocket transport alone: no long polling before it. */
export default {
  title: "socket.io",
  packages: ["socket.io"],
  readPath: (stream) => `/socket.io/?EIO=4&transport=websocket&stream=${stream}`,
  handshake: (port, path) => chromiumGet("ws", port, path),
  hello: clientFrame("40"),
  transport: { kind: "socket-io" },
  async serve({ port }) {
    const { Server } = await import("socket.io");
    const http = createServer();
    const server = new Server(http, { transports: ["websocket"] });
    server.on("connection", (socket) => void socket.join(socket.handshake.query.stream));
    await listen(http, port);
    return { publish: (stream, data) => server.to(stream).emit("event", JSON.parse(data)) };
  },
};
