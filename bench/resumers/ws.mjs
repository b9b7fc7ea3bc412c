import { setTimeout as sleep } from "node:timers/promises";
import { createRooms, streamOf } from "../contestants/plain.mjs";
import { speak } from "./answer.mjs";

const RETRY_MS = 1_000;

/** `permessage-deflate`, which is off by default; it leaves out messages of less than 1,024 bytes, unless it is told not to. */
export const compression = () => process.env.BENCH_COMPRESSION === "1" && { threshold: 0 };

export default {
  title: "WebSocket (ws)",
  packages: ["ws"],
  way: "none: the protocol knows neither reconnection nor place",
  yours: "reconnection (here: after a second), heartbeats, ids, a history, replay",
  async serve({ port }) {
    const { WebSocketServer } = await import("ws");
    const room = createRooms();
    const server = new WebSocketServer({ port, host: "127.0.0.1", perMessageDeflate: compression() });
    server.on("connection", (socket, request) => {
      const run = streamOf(request.url);
      room(run).add(socket);
      socket.on("close", () => room(run).delete(socket));
    });
    const send = (run, message) => room(run).forEach((socket) => socket.send(JSON.stringify(message)));
    return {
      async start(run) {
        for await (const text of speak(run)) send(run, { text });
        send(run, { end: true });
      },
    };
  },
  async read({ url, run, say, open, signal }) {
    const { WebSocket } = await import("ws");
    const state = { isEnded: false };
    while (!state.isEnded && !signal.aborted) {
      const socket = new WebSocket(`${url.replace("http", "ws")}/read/${run}`);
      signal.addEventListener("abort", () => socket.terminate());
      socket.on("open", open);
      socket.on("error", () => undefined); // `close` follows
      socket.on("message", (data) => {
        const { text, end } = JSON.parse(data);
        if (!end) return say(text);
        state.isEnded = true;
        socket.close();
      });
      await new Promise((resolve) => socket.once("close", resolve));
      if (!state.isEnded) await sleep(RETRY_MS);
    }
  },
};
