import { connect, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A network of its own for one lane: it counts what goes over it, and can be cut. */
export interface Wire {
  port: number;
  count: { down: number; up: number; connections: number };
  /** Breaks all connections, and refuses new ones for so long. */
  cut: (ms: number) => void;
  close: () => void;
}

export async function startWire(target: number): Promise<Wire> {
  const count = { down: 0, up: 0, connections: 0 };
  const open = new Set<Socket>();
  let refusesUntil = 0;
  const cut = (ms: number) => {
    refusesUntil = Date.now() + ms;
    for (const socket of open) socket.destroy();
  };
  const server = createServer((client) => {
    client.on("error", () => undefined); // a cut: `close` follows
    if (Date.now() < refusesUntil) {
      client.resetAndDestroy();
      return;
    }
    count.connections += 1;
    const upstream = connect(target, "127.0.0.1");
    upstream.on("error", () => client.destroy());
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      socket.once("close", () => {
        open.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (bytes) => {
      count.up += bytes.length;
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      count.down += bytes.length;
      client.write(bytes);
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    count,
    cut,
    close() {
      cut(Infinity);
      server.close();
    },
  };
}
