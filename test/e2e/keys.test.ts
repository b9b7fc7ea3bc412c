import { spawn } from "node:child_process";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startServerProcess } from "../support/server-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));

let data: string;
beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), "millrace-keys-"));
});
afterEach(() => rm(data, { recursive: true, force: true }));

function run(args: readonly string[], env: Record<string, string> = {}) {
  const child = spawn(process.execPath, [MAIN, ...args], { env: { ...process.env, ...env } });
  let [out, err] = ["", ""];
  child.stdout.on("data", (piece: Buffer) => (out += piece.toString()));
  child.stderr.on("data", (piece: Buffer) => (err += piece.toString()));
  return new Promise<{ code: number | null; out: string; err: string }>((resolve) => {
    child.on("close", (code) => resolve({ code, out, err }));
  });
}

const keys = (...args: string[]) => run(["keys", ...args, "--data", data]);

test("a key is made, lets a command in, is listed without what opens anything, and is revoked while the server runs", async () => {
  const made = await keys("create", "laptop", "--scopes", "run read:* append:*");
  expect(made.code).toBe(0);
  const key = made.out.trim();
  expect(key).toMatch(/^mr_[a-z2-7]{12}_[\w-]{43}$/);
  expect((await stat(join(data, "keys.json"))).mode & 0o777).toBe(0o600);

  await using server = await startServerProcess({ dataDir: data });
  await expect.poll(() => server.output()).toContain("Lets in   with a key of");
  expect((await stat(join(data, "secret"))).mode & 0o777).toBe(0o600);
  const publish = ["publish", "scores", '{"home":1}', "--url", server.url];
  const refused = await run(publish);
  expect([refused.code, refused.err]).toEqual([1, expect.stringContaining("(unauthorized)")]);
  const env = { MILLRACE_API_KEY: key };
  expect((await run(publish, env)).code).toBe(0);
  const asked = await run(["ask", "tokens=3 rate=1000", "--model", "script", "--url", server.url], env);
  expect(asked.code).toBe(0);
  const tailed = await run(["tail", "scores", "--url", server.url]);
  expect([tailed.code, tailed.err]).toEqual([1, expect.stringContaining("MILLRACE_API_KEY")]);

  const listed = await keys("list");
  expect(listed.out).toMatch(/^[a-z2-7]{12} {2}good +laptop {2}key-[a-z2-7]{12} {2}run read:\* append:\*\n$/);
  const [shown] = JSON.parse((await keys("list", "--json")).out) as [object];
  expect(Object.keys(shown)).toEqual(["id", "name", "person", "scopes", "createdAt"]);

  expect((await keys("revoke", key)).code).toBe(0);
  await vi.waitFor(async () => expect((await run(publish, env)).code).toBe(1));
  expect((await keys("list")).out).toContain("revoked");
});

test.each([
  [["keys", "create", "x", "--scopes", "everything"], 2, "--scopes takes scopes such as"],
  [["keys", "create", "x", "--person", "a b"], 2, "--person takes 1 to 64"],
  [["keys", "create", "x", "--days", "soon"], 2, "--days takes a number of days"],
  [["keys", "revoke", "nobody"], 1, "There are no keys in"],
  [["serve", "--keys", "none.json"], 2, "There is no file none.json. Make it with: millrace keys create"],
  [["serve", "--jwt-issuer", "x"], 2, "Say with --jwt-jwks"],
  [["serve", "--jwt-jwks", "https://x.example/k"], 2, "Say with --jwt-issuer and --jwt-audience"],
  [["serve", "--guests", "all"], 2, '--guests takes scopes such as "read:* signal:* run"'],
  [["serve", "--guests", "run", "--log", "redis://127.0.0.1:1"], 2, "set MILLRACE_SECRET or --secret-file"],
  [["serve", "--host", "0.0.0.0"], 2, "nobody has to sign in here"],
])("%j ends with %i and says what would be right", async (args, code, text) => {
  const done = await run([...args, "--data", data]);
  expect(done.err).toContain(text);
  expect(done.code).toBe(code);
});

test("two keys that are made at once are both there", async () => {
  await Promise.all([keys("create", "one"), keys("create", "two")]);
  expect((await keys("list")).out.trim().split("\n")).toHaveLength(2);
});
