import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy on loopback that breaks connections where it is told to: at any byte of what comes back, so also inside a chunk's
 *  head, a UTF-8 sequence or an SSE field. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that were cut so far. */
  readonly cuts: number;
  readonly connections: number;
  /** Where connections go from now on, such as to a server that was started again. */
  setTarget(port: number): void;
  /** Cuts what is open now. */
  cutAll(): void;
}

export interface CuttingProxyOptions {
  target: number;
  /** After how many bytes towards the client a new connection is cut; undefined: never. */
  cutAfter?: () => number | undefined;
}

export async function startCuttingProxy({
  target,
  cutAfter = () => undefined,
}: CuttingProxyOptions): Promise<CuttingProxy> {
  let to = target;
  let cuts = 0;
  let connections = 0;
  const open = new Set<Socket>();

  const server = createServer((client) => {
    connections += 1;
    const upstream = createConnection(to, "127.0.0.1");
    let left = cutAfter() ?? Infinity;
    const cut = () => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.setNoDelay(true);
      // A side that breaks breaks the other: that is what it is for.
      socket.on("error", cut);
      socket.on("close", () => {
        open.delete(socket);
        cut();
      });
    }
    client.pipe(upstream);
    upstream.on("data", (bytes: Buffer) => {
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      if (left > 0) {
        if (!client.write(piece)) upstream.pause();
        return;
      }
      cuts += 1;
      upstream.destroy();
      // The last bytes go out before the end, so that the cut is where it was told to be.
      client.end(piece, () => client.resetAndDestroy());
    });
    client.on("drain", () => upstream.resume());
    upstream.on("end", () => client.end());
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });

  return {
    port: (server.address() as AddressInfo).port, // it listens on a port
    get cuts() {
      return cuts;
    },
    get connections() {
      return connections;
    },
    setTarget(port) {
      to = port;
    },
    cutAll() {
      cuts += open.size / 2;
      for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
