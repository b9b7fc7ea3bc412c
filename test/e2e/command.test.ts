import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { scriptTokens } from "../../src/chat/script.ts";
import { freePort, startServerProcess } from "../support/server-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-command-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Command {
  done: Promise<{ code: number | null; out: string; err: string }>;
  /** Resolves when it has written so much. */
  wrote(text: string): Promise<void>;
  kill(signal: NodeJS.Signals): void;
}

function run(args: readonly string[], input = ""): Command {
  const child = spawn(process.execPath, [MAIN, ...args], { cwd: folder });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (piece: string) => {
    out += piece;
  });
  child.stderr.setEncoding("utf8").on("data", (piece: string) => {
    err += piece;
  });
  child.stdin.end(input);
  const done = new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
  return {
    done,
    wrote: (text) => expect.poll(() => out).toContain(text),
    kill: (signal) => child.kill(signal),
  };
}

test("serve says where it is and ends with 0 at Ctrl+C", async () => {
  await using server = await startServerProcess();
  await expect
    .poll(() => server.output())
    .toMatch(/^Millrace {2}http:\/\/127\.0\.0\.1:\d+\nAnswers {3}\S+\nKeeps/);
  server.kill("SIGINT");
  expect(await server.exit).toBe(0);
});

test("serve under a path says where it is, and has its page and its streams there", async () => {
  await using server = await startServerProcess({ args: ["--base-path", "/chat"] });
  await expect.poll(() => server.output()).toMatch(/^Millrace {2}http:\/\/127\.0\.0\.1:\d+\/chat\n/);
  expect(await (await fetch(`${server.url}/chat/c/abc`)).text()).toContain(' src="/chat/assets/');
  expect((await fetch(`${server.url}/chat/v1/models`)).status).toBe(200);
  // Other commands find it by its data folder.
  const { code, out } = await run(["publish", "scores", '{"n":1}', "--data", server.dataDir]).done;
  expect({ code, out }).toMatchObject({ code: 0 });
});

test("a taken data folder ends with 3 and names its owner", async () => {
  await using server = await startServerProcess();
  const { code, err } = await run(["serve", "--port", "0", "--data", server.dataDir]).done;
  expect(code).toBe(3);
  expect(err).toBe(
    `The data folder ${server.dataDir} is in use by process ${server.pid} at ${server.url}. Stop it, or name another folder with --data.\n`,
  );
});

test("a taken port that was asked for is one sentence", async () => {
  const holder = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => holder.once("listening", resolve));
  const { port } = holder.address() as AddressInfo;
  const { code, err } = await run(["serve", "--port", String(port), "--log", "memory"]).done;
  expect(code).toBe(1);
  expect(err).toBe(
    `Port ${port} on 127.0.0.1 is in use. Name another with --port, or leave it out to take a free one.\n`,
  );
  holder.close();
});

test.each([
  [["serve", "--prot", "1"], "Did you mean --port?"],
  [["serve", "--host", "0.0.0.0"], "say --insecure if everybody is meant."],
  [["serve", "--config", "none.json"], "There is no file none.json."],
  [["publish", "s", "{"], "The event is not JSON"],
  [["tial", "s"], "Did you mean tail?"],
])("wrong use ends with 2 and says what would be right: %j", async (args, text) => {
  const { code, err } = await run(args).done;
  expect(err).toContain(text);
  expect(code).toBe(2);
});

test("no server is one sentence, and 3", async () => {
  const { code, err } = await run(["publish", "s", "{}", "--url", `http://127.0.0.1:${await freePort()}`])
    .done;
  expect(err).toContain("Start one with: millrace serve");
  expect(code).toBe(3);
});

test("ask writes the answer, without colours where it is piped, and finds the server by its folder", async () => {
  await using server = await startServerProcess();
  const prompt = "tokens=20 rate=0 seed=3";
  const { code, out, err } = await run(["ask", prompt, "--model", "script", "--data", server.dataDir]).done;
  expect(out).toBe(`${[...scriptTokens({ tokens: 20, seed: 3, markdown: false })].join("")}\n`);
  expect(err).toMatch(/^stop · 20 tokens/);
  expect(out + err).not.toContain("\u001B");
  expect(code).toBe(0);
  const piped = await run(["ask", "--model", "script", "--url", server.url], prompt).done;
  expect(piped.out).toBe(out);
});

test("Ctrl+C at ask stops the run and keeps what was written", async () => {
  await using server = await startServerProcess();
  const asking = run(["ask", "tokens=5000 rate=50", "--model", "script", "--url", server.url]);
  await asking.wrote(" ");
  asking.kill("SIGINT");
  const { code, err } = await asking.done;
  expect(err).toContain("Stopped");
  expect(code).toBe(130);
});

test("tail goes on after the server was killed and started again, and ends with the stream", async () => {
  const port = await freePort();
  const first = await startServerProcess({ dataDir: folder, port });
  const publish = (json: string, ...more: string[]) =>
    run(["publish", "feed", json, "--url", first.url, ...more]).done;
  const tail = run(["tail", "feed", "--url", first.url, "--json"]);
  expect((await publish('{"n":1}')).out).toMatch(/^[0-9a-z]{8,10}\.1\n$/);
  await tail.wrote('{"n":1}');
  first.kill("SIGKILL");
  await first.exit;
  await using second = await startServerProcess({ dataDir: folder, port });
  expect(second.url).toBe(first.url);
  await publish('{"n":2}');
  const lines = await run(["publish", "feed", "-", "--url", first.url, "--close"], '{"n":3}\n\n{"n":4}\n')
    .done;
  expect(lines.code).toBe(0);
  const { code, out, err } = await tail.done;
  expect(
    out
      .trim()
      .split("\n")
      .map((line) => (JSON.parse(line) as { event: { n: number } }).event.n),
  ).toEqual([1, 2, 3, 4]);
  expect(err).toContain("Reconnecting.");
  expect(code).toBe(0);
});
