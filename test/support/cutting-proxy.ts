import { createConnection, createServer } from "node:net";
import type { AddressInfo, Socket } from "node:net";

/** A TCP proxy on loopback that breaks connections where it is told to: at any byte of what comes back, so also inside a chunk's
 *  head, a UTF-8 sequence or an SSE field. It holds no more than its sockets do: a slow reader slows the target. */
export interface CuttingProxy extends AsyncDisposable {
  readonly port: number;
  /** Connections that were cut so far. */
  readonly cuts: number;
  readonly connections: number;
  /** Connections that were refused so far. */
  readonly refusals: number;
  /** Bytes that were given towards clients. */
  readonly bytes: number;
  /** Where connections go from now on, such as to a server that was started again. */
  setTarget(port: number): void;
  /** Refuses new connections, until it is told otherwise. */
  setRefusing(isRefusing: boolean): void;
  /** Cuts what is open now. */
  cutAll(): void;
}

/** How a connection breaks:
 *  - `reset`: at once, as when a process is killed; a reader that is slow loses what was still on its way;
 *  - `end`: in good order after exactly that byte, as by a proxy that has had enough;
 *  - `stall`: nothing more comes and nobody says so, as in a tunnel; it ends when the client does. */
export type CutMode = "reset" | "end" | "stall";

export interface CuttingProxyOptions {
  target: number;
  /** After how many bytes towards the client a new connection is cut; undefined: never. */
  cutAfter?: () => number | undefined;
  /** Default `reset`. */
  mode?: CutMode;
}

export async function startCuttingProxy({
  target,
  cutAfter = () => undefined,
  mode = "reset",
}: CuttingProxyOptions): Promise<CuttingProxy> {
  let to = target;
  let isRefusing = false;
  const count = { cuts: 0, connections: 0, refusals: 0, bytes: 0 };
  const open = new Set<Socket>();

  function keep(socket: Socket, onBreak: () => void): void {
    open.add(socket);
    socket.setNoDelay(true);
    socket.on("error", onBreak);
    socket.on("close", () => {
      open.delete(socket);
      onBreak();
    });
  }

  const server = createServer((client) => {
    if (isRefusing) {
      count.refusals += 1;
      client.on("error", () => undefined); // it is refused: how it takes it is its own matter
      client.resetAndDestroy();
      return;
    }
    count.connections += 1;
    const upstream = createConnection(to, "127.0.0.1");
    let left = cutAfter() ?? Infinity;
    let isCut = false;
    // A side that breaks breaks the other: that is what it is for. After a cut the client's last bytes are still to go out.
    keep(client, () => upstream.destroy());
    keep(upstream, () => isCut || client.destroy());
    client.pipe(upstream);
    upstream.on("data", (bytes: Buffer) => {
      const piece = bytes.subarray(0, left);
      left -= piece.length;
      count.bytes += piece.length;
      if (left > 0) {
        if (!client.write(piece)) upstream.pause();
        return;
      }
      isCut = true;
      count.cuts += 1;
      upstream.destroy();
      client.unpipe(upstream);
      client.resume();
      if (mode === "stall") client.write(piece);
      else if (mode === "end") client.end(piece);
      else client.end(piece, () => client.resetAndDestroy());
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
      return count.cuts;
    },
    get connections() {
      return count.connections;
    },
    get refusals() {
      return count.refusals;
    },
    get bytes() {
      return count.bytes;
    },
    setTarget(port) {
      to = port;
    },
    setRefusing(refusing) {
      isRefusing = refusing;
    },
    cutAll() {
      count.cuts += Math.ceil(open.size / 2);
      for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}
