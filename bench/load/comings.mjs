/** A process that comes back to a finished answer, again and again, each time at another place. */
import { connect } from "node:net";

process.on("message", ({ id, ...options }) => {
  void come(options).then(
    (answer) => process.send?.({ id, answer }),
    (error) => process.send?.({ id, error: String(error?.stack ?? error) }),
  );
});
process.on("disconnect", () => process.exit());

async function come({ port, path, cursors }) {
  const times = [];
  const bytes = [];
  for (const cursor of cursors) {
    const seen = await comeOnce(port, path, cursor);
    times.push(seen.ms);
    bytes.push(seen.bytes);
  }
  return { times, bytes };
}

/** From the first byte of the request to the server's end of the connection, after `stream-end`. */
function comeOnce(port, path, cursor) {
  return new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1");
    let bytes = 0;
    let begun;
    let last = "";
    socket.once("connect", () => {
      begun = performance.now();
      const id = cursor === undefined ? "" : `Last-Event-ID: ${cursor}\r\n`;
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n${id}Connection: close\r\n\r\n`,
      );
    });
    socket.on("data", (piece) => {
      bytes += piece.length;
      last = (last + piece.subarray(-200).toString("latin1")).slice(-200);
    });
    socket.once("error", reject);
    socket.once("close", () => {
      if (last.includes("stream-end")) resolve({ ms: performance.now() - begun, bytes });
      else reject(new Error(`A coming at ${cursor} ended without an end: ${last}`));
    });
  });
}
