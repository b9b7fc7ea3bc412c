import { connect, createServer } from "node:net";

/** @typedef {object} Cut
 *  @property {number} atMs      So long after `begin`…
 *  @property {number} bytes     …and so many more bytes towards the client, all its connections break: often inside of an event.
 *  @property {number} outageMs  New connections are refused for so long. */

/** A network that one client has for itself: TCP on loopback that counts bytes, and breaks where it is told to.
 *  @param {{target: number, cuts?: Cut[], delayMs?: number, onCut?: () => void, onClose?: () => void}} options
 *         `delayMs`: one way; setting up a connection takes a round trip. `onClose`: the server's side has closed one. */
export async function startWire({ target, cuts = [], delayMs = 0, onCut, onClose = () => undefined }) {
  const count = { up: 0, down: 0, connections: 0, cuts: 0 };
  const open = new Set();
  const armed = [];
  let refusesUntil = 0;
  let timers = [];

  const server = createServer((client) => {
    client.on("error", () => undefined); // `close` follows
    if (performance.now() < refusesUntil) {
      client.resetAndDestroy();
      return;
    }
    count.connections += 1;
    const upstream = connect(target, "127.0.0.1");
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.once("close", () => open.delete(socket));
    }
    upstream.on("error", () => client.destroy());
    upstream.once("end", onClose);
    upstream.once("close", () => later(() => client.end()));
    client.once("close", () => upstream.destroy());
    const isOpenAt = performance.now() + 2 * delayMs;
    const later = (write) => {
      if (delayMs === 0) write();
      else setTimeout(() => write(), delayMs + Math.max(0, isOpenAt - performance.now()));
    };
    client.on("data", (bytes) => {
      count.up += bytes.length;
      later(() => upstream.write(bytes));
    });
    upstream.on("data", (bytes) => {
      const [cut] = armed;
      const piece = cut === undefined ? bytes : bytes.subarray(0, cut.left);
      count.down += piece.length;
      later(() => client.write(piece));
      if (cut === undefined) return;
      cut.left -= piece.length;
      if (cut.left > 0) return;
      armed.shift();
      count.cuts += 1;
      refusesUntil = performance.now() + cut.outageMs;
      onCut?.();
      // What was written still goes out; then both sides see a broken connection.
      for (const socket of open) if (socket !== client) socket.destroy();
      client.end(() => client.resetAndDestroy());
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: server.address().port,
    count,
    /** From here on the times of the cuts are counted. */
    begin() {
      timers = cuts.map((cut) => setTimeout(() => armed.push({ ...cut, left: cut.bytes }), cut.atMs));
    },
    close() {
      for (const timer of timers) clearTimeout(timer);
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
