import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startServerProcess } from "../support/server-process.ts";
import { serve } from "../support/sse-servers.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

function doctor(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, "doctor", ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

const SHORT = ["--timeout", "1", "--wait", "2"];

test("the doctor finds nothing wrong with a served stream, publishes to the same address, and ends with 0", async () => {
  await using server = await startServerProcess();
  const url = `${server.url}/v1/streams/doctor`;
  const { code, stdout } = await doctor(url, "--publish", ...SHORT);
  expect(stdout).toMatch(/^fine +buffering +Events that were sent apart arrived apart/m);
  expect(stdout).toMatch(/^not tested +heartbeat +It was listened to for \d/m);
  expect(stdout).toContain("Nothing is wrong.");
  expect(code).toBe(0);
});

test("the doctor says what is wrong as JSON, and ends with 1; headers go with each request", async () => {
  const seen = new Set<string | undefined>();
  await using server = await serve((request, response) => {
    seen.add(request.headers.authorization);
    response.writeHead(403).end();
  });
  const header = ["--header", "Authorization: Bearer a b", "--header", "X-Other:1"];
  const { code, stdout } = await doctor(server.url, "--json", ...header, ...SHORT);
  expect(code).toBe(1);
  expect(JSON.parse(stdout)).toMatchObject({
    url: server.url,
    wrong: 1,
    findings: [{ check: "status", level: "wrong", sure: "certain" }],
  });
  expect([...seen]).toEqual(["Bearer a b"]);
});

test.each([
  [["http://127.0.0.1:9/"], 3, "No answer from http://127.0.0.1:9/: nobody listens there."],
  [["scores"], 2, "is not an address"],
  [["http://127.0.0.1:9/", "--timeout", "soon"], 2, "--timeout takes seconds"],
  [["http://127.0.0.1:9/", "--header", "secret"], 2, '--header takes "Name: value"'],
  [["http://127.0.0.1:9/", "--publish", "--body", "{}"], 2, "{mark}"],
])("doctor %j is one sentence, and %i", async (args, wanted, sentence) => {
  const { code, stderr } = await doctor(...args);
  expect(code).toBe(wanted);
  expect(stderr).toContain(sentence);
  expect(stderr.trim().split("\n")).toHaveLength(1);
});
