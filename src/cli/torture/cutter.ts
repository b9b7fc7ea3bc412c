import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy on loopback that breaks each connection after some bytes of what comes back: inside a chunk's head, a character or a
 *  field as well as between two events. */
export interface Cutter {
  readonly url: string;
  /** Connections that were cut so far. */
  readonly cuts: number;
  close(): Promise<void>;
}

/** `cutAfter` says after how many bytes a new connection is cut. */
export async function startCutter(target: string, cutAfter: () => number): Promise<Cutter> {
  const to = new URL(target);
  const open = new Set<Socket>();
  let cuts = 0;

  function pair(one: Socket, other: Socket): void {
    open.add(one);
    one.setNoDelay(true);
    one.on("error", () => other.destroy());
    one.on("close", () => {
      open.delete(one);
      other.destroy();
    });
  }

  const server = createServer((client) => {
    const upstream = createConnection(Number(to.port), to.hostname);
    let left = cutAfter();
    pair(client, upstream);
    pair(upstream, client);
    client.pipe(upstream);
    upstream.on("data", (bytes: Buffer) => {
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      if (left > 0) {
        if (!client.write(piece)) upstream.pause();
        return;
      }
      if (open.has(client)) cuts += 1;
      client.write(piece, () => client.resetAndDestroy());
    });
    client.on("drain", () => upstream.resume());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo; // it listens on a port
  return {
    url: `http://127.0.0.1:${port}`,
    get cuts() {
      return cuts;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
