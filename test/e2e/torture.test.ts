import { execFile } from "node:child_process";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

interface Outcome {
  code: number;
  report: Record<string, number>;
}

function torture(...args: string[]): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [MAIN, "torture", "--json", ...args], (error, stdout, stderr) => {
      const code = typeof error?.code === "number" ? error.code : 0;
      if (stdout === "") reject(new Error(`torture ended with ${code}: ${stderr}`));
      else resolve({ code, report: JSON.parse(stdout) as Record<string, number> });
    });
  });
}

function block(offset: number, event: object): string {
  return `id: abcdefgh.${offset}\ndata: ${JSON.stringify(event)}\n\n`;
}

test("two nodes over Redis that are cut and killed lose, double and reorder nothing", async () => {
  const { code, report } = await torture("--duration", "16", "--nodes", "2", "--runs", "10", "--seed", "5");
  expect(report).toMatchObject({ nodes: 2, gaps: 0, doubles: 0, resets: 0, losses: 0 });
  expect(code).toBe(0);
  expect(report["runs"]).toBeGreaterThan(10);
  expect(report["cuts"]).toBeGreaterThan(50);
  expect(report["kills"]).toBeGreaterThanOrEqual(1);
});

test("a server that leaves out an event, or says one twice, is found out with exit code 1", async () => {
  /** The offsets of the deltas that a reader is sent. */
  let offsets = [2, 3];
  const server = createServer((request, response) => {
    if (request.method === "POST") {
      response.end(JSON.stringify({ run: "r", stream: "runs/r" }));
      return;
    }
    const deltas = offsets.map((offset) => ({
      offset,
      event: { type: "text-delta", message: "r", text: "a" },
    }));
    // SHA-256 of "aa".
    const sha256 = "961b6dd3ede3cb8ecbaacbd68de040cd78eb2ed5889130cceb4c49268ea4d506";
    const events = [
      { offset: 1, event: { type: "message-start", message: "r", run: "r", model: "m", at: 0 } },
      ...deltas,
      { offset: 4, event: { type: "message-end", message: "r", run: "r", reason: "stop", sha256 } },
    ];
    // Who was cut comes back with its cursor.
    const after = Number(String(request.headers["last-event-id"] ?? ".0").split(".")[1]);
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.end(
      events
        .filter(({ offset }) => offset > after)
        .map(({ offset, event }) => block(offset, event))
        .join(""),
    );
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const run = (...given: number[]) => {
    offsets = given;
    return torture("--url", url, "--duration", "1", "--runs", "1", "--seed", "4");
  };
  try {
    expect(await run(2, 3)).toMatchObject({ code: 0, report: { losses: 0, gaps: 0, doubles: 0 } });
    const missing = await run(2);
    expect(missing.code).toBe(1);
    expect(missing.report["losses"]).toBeGreaterThan(0);
    expect(missing.report["gaps"]).toBeGreaterThan(0);
    const twice = await run(2, 3, 3);
    expect(twice.code).toBe(1);
    expect(twice.report["doubles"]).toBeGreaterThan(0);
  } finally {
    server.closeAllConnections();
    server.close();
  }
});
