import { createServer, request } from "node:http";
import type { AddressInfo } from "node:net";

/** A proxy on loopback that damages event streams: what it is given instead of a block goes on. */
export interface DamagingProxy extends AsyncDisposable {
  url: string;
}

/** `damage`: a block with its empty line, and what becomes of it. Everything else passes unchanged. */
export async function startDamagingProxy(
  target: string,
  damage: (block: string) => string,
): Promise<DamagingProxy> {
  const { hostname, port } = new URL(target);
  const server = createServer((incoming, outgoing) => {
    const { method, url: path, headers } = incoming;
    const asked = request({ hostname, port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      if (answer.headers["content-type"]?.startsWith("text/event-stream") !== true) {
        answer.pipe(outgoing);
        return;
      }
      outgoing.flushHeaders();
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (chunk: string) => {
        text += chunk;
        const blocks = text.split("\n\n");
        text = blocks.pop() ?? "";
        for (const block of blocks) outgoing.write(damage(`${block}\n\n`));
      });
      answer.on("error", () => outgoing.destroy());
      answer.on("end", () => outgoing.end(text));
    });
    asked.on("error", () => outgoing.destroy());
    outgoing.on("close", () => asked.destroy());
    incoming.pipe(asked);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, // it listens on a port
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
