import { connect } from "node:net";
import type { Socket } from "node:net";

/** Sends bytes as they are, and gives what comes back until the other side ends it, or is silent for so long. */
export function sendRaw(url: string, bytes: string | Buffer, silenceMs = 5_000): Promise<string> {
  return new Promise((resolve) => {
    let answer = "";
    const socket = open(url, () => socket.write(bytes));
    socket.setEncoding("latin1");
    socket.setTimeout(silenceMs, () => socket.destroy());
    socket.on("data", (piece: string) => {
      answer += piece;
    });
    // However it ends: what came is the answer.
    socket.on("error", () => undefined);
    socket.on("close", () => resolve(answer));
  });
}

/** Opens a connection to the server of a URL. */
export function open(url: string, onConnect: () => void = () => undefined): Socket {
  const { hostname, port } = new URL(url);
  return connect(Number(port), hostname, onConnect);
}

/** The status of a raw answer; 0 where none came. */
export function statusOf(answer: string): number {
  return Number(/^HTTP\/1\.[01] (\d{3}) /.exec(answer)?.[1] ?? 0);
}
