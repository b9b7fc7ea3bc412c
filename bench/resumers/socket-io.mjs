import { speak } from "./answer.mjs";
import { compression } from "./ws.mjs";

export default {
  title: "socket.io",
  packages: ["socket.io", "socket.io-client"],
  way: "`connectionStateRecovery`, which its in-memory adapter knows: missed packets for two minutes",
  yours: "what to do when it was not recovered",
  async serve({ port }) {
    const { Server } = await import("socket.io");
    const server = new Server({ connectionStateRecovery: {}, perMessageDeflate: compression() });
    server.on("connection", (socket) => void socket.join(socket.handshake.query.run));
    server.listen(port);
    return {
      async start(run) {
        for await (const text of speak(run)) server.to(run).emit("text", text);
        server.to(run).emit("end");
      },
    };
  },
  async read({ url, run, say, open, signal }) {
    const { io } = await import("socket.io-client");
    const socket = io(url, { query: { run }, forceNew: true });
    socket.on("connect", open);
    socket.on("text", (text) => say(text));
    await new Promise((resolve) => {
      socket.on("end", resolve);
      signal.addEventListener("abort", resolve);
    });
    socket.close();
  },
};
