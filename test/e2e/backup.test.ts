import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
import { startRedis } from "../support/redis.ts";
import { startServerProcess } from "../support/server-process.ts";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "millrace-backup-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

function millrace(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [MAIN, ...args], (_, stdout, stderr) =>
      resolve({ code: child.exitCode ?? -1, stdout, stderr }),
    );
  });
}

async function append(url: string, name: string, event: object): Promise<void> {
  const headers = { "content-type": "application/json" };
  expect(
    (await fetch(`${url}/v1/streams/${name}`, { method: "POST", headers, body: JSON.stringify(event) }))
      .status,
  ).toBe(201);
}

test("a server's streams are saved while it runs, and put back into a folder that nobody serves, and into another server", async () => {
  const file = join(folder, "all.ndjson");
  await using server = await startServerProcess();
  await append(server.url, "scores", [{ n: 1 }, { n: 2 }]);
  await append(server.url, "tickets/42", { text: "wörd\u2028🌊" });
  const saved = await millrace("export", file, "--data", server.dataDir);
  expect(saved).toMatchObject({ code: 0, stderr: "" });
  expect(saved.stdout).toContain(`from ${server.url} are in ${file}`);

  const data = join(folder, "data");
  const url = ["--url", server.url];
  const there = await millrace("import", file, ...url);
  expect(there.code).toBe(1);
  expect(there.stderr).toMatch(
    /2 of 2 streams are there already: scores, tickets\/42\. Nothing was put back\./,
  );
  expect(await millrace("import", file, ...url, "--replace", "--stream", "scores")).toMatchObject({
    code: 0,
    stdout: `1 streams with 2 events and 0 keys are back in ${server.url}\n`,
  });

  // A folder must be there to be taken for one.
  expect((await millrace("import", file, "--data", data)).code).toBe(2);
  {
    await using other = await startServerProcess({ dataDir: data });
    other.kill();
    await other.exit;
  }
  expect(await millrace("import", file, "--data", data)).toMatchObject({
    code: 0,
    stdout: `2 streams with 3 events and 0 keys are back in ${data}\n`,
  });
  await using third = await startServerProcess({ dataDir: data });
  const page = (await (await fetch(`${third.url}/v1/streams/tickets/42`)).json()) as {
    events: { event: object }[];
  };
  expect(page.events.map(({ event }) => event)).toEqual([{ text: "wörd\u2028🌊" }]);
});

test("a file that was cut or changed is refused, whole, before anything is put back", async () => {
  await using server = await startServerProcess();
  await append(server.url, "scores", [{ n: 1 }, { n: 2 }]);
  const file = join(folder, "all.ndjson");
  await millrace("export", file, "--url", server.url, "--stream", "scores");
  const whole = await readFile(file, "utf8");
  const lines = whole.trimEnd().split("\n");
  await fetch(`${server.url}/v1/streams/scores`, { method: "DELETE" });
  const cases: [string, string][] = [
    ["", "it is empty"],
    [whole.slice(0, -30), "is not JSON"],
    [lines.slice(0, -1).join("\n"), "its last line is missing, so it was cut"],
    [
      lines.filter((_, index) => index !== 2).join("\n"),
      "it has 1 streams with 1 events and 0 keys, and its last line says 1 streams with 2 events and 0 keys",
    ],
    [whole.replace('{"n":2}', '{"n":3}'), "it was changed since it was written"],
    [lines.slice(1).join("\n"), "its first line does not say so"],
  ];
  for (const [text, sentence] of cases) {
    await writeFile(file, text);
    const { code, stderr } = await millrace("import", file, "--url", server.url);
    expect({ code, stderr, sentence }).toMatchObject({ code: sentence.startsWith("its first") ? 2 : 1 });
    expect(stderr).toContain(sentence);
    expect((await fetch(`${server.url}/v1/streams/scores`)).status).toBe(404);
  }
  const nowhere = join(folder, "no.ndjson");
  expect((await millrace("import", nowhere, "--url", server.url)).code).toBe(2);
  expect((await millrace("export", nowhere, "--url", "http://127.0.0.1:9")).code).toBe(3);
  expect(existsSync(nowhere)).toBe(false);
  expect(existsSync(`${nowhere}.part`)).toBe(false);
});

test("an import that is killed has put back whole streams only, and --missing goes on with the others", async () => {
  const file = join(folder, "large.ndjson");
  const STREAMS = 6;
  const EVENTS = 400;
  {
    await using source = await startServerProcess();
    const events = Array.from({ length: EVENTS }, (_, n) => ({ n, text: "x".repeat(10_000) }));
    // Each is several commits when it is put back.
    for (let n = 0; n < STREAMS; n++)
      for (const part of [events.slice(0, 200), events.slice(200)])
        await append(source.url, `large/${n}`, part);
    expect(await millrace("export", file, "--url", source.url)).toMatchObject({ code: 0 });
  }
  const data = join(folder, "data");
  const whole = async (url: string) => {
    const heads = await Promise.all(
      Array.from({ length: STREAMS }, async (_, n) => {
        const { status, headers } = await fetch(`${url}/v1/streams/large/${n}`, { method: "HEAD" });
        return status === 404 ? undefined : Number(headers.get("stream-head")?.split(".")[1]);
      }),
    );
    expect(new Set(heads.filter((head) => head !== EVENTS))).toEqual(
      heads.includes(undefined) ? new Set([undefined]) : new Set(),
    );
    return heads.filter((head) => head !== undefined).length;
  };
  const server = await startServerProcess({ dataDir: data });
  const killed = millrace("import", file, "--url", server.url);
  await expect.poll(() => whole(server.url), { interval: 5 }).toBeGreaterThan(0);
  server.kill("SIGKILL");
  await server.exit;
  await killed;
  await using again = await startServerProcess({ dataDir: data });
  const count = await whole(again.url);
  expect(count).toBeGreaterThan(0);
  const url = ["--url", again.url];
  const refused = await millrace("import", file, ...url);
  expect(refused.code).toBe(1);
  expect(refused.stderr).toContain(`${count} of ${STREAMS} streams are there already: large/`);
  expect(refused.stderr).toContain("--missing puts back the others");
  expect(await millrace("import", file, ...url, "--missing")).toMatchObject({
    code: 0,
    stdout: `${STREAMS - count} streams with ${(STREAMS - count) * EVENTS} events and 0 keys are back in ${again.url}\n`,
  });
  expect(await whole(again.url)).toBe(STREAMS);
});

test("a log in Redis is neither saved nor put into: the refusal says who does that", async () => {
  const file = join(folder, "scores.ndjson");
  {
    await using source = await startServerProcess();
    await append(source.url, "scores", { n: 1 });
    expect(await millrace("export", file, "--url", source.url)).toMatchObject({ code: 0 });
  }
  await using redis = await startRedis();
  await using server = await startServerProcess({ args: ["--log", redis.url] });
  await append(server.url, "others", { n: 1 });
  const none = join(folder, "none.ndjson");
  for (const [words, isThere] of [
    [["export", none], false],
    [["import", file], true],
  ] as const) {
    const { code, stderr } = await millrace(...words, "--url", server.url);
    expect([words[0], code]).toEqual([words[0], 1]);
    expect(stderr).toContain("A log in Redis is saved and put back by Redis");
    expect(existsSync(words[1])).toBe(isThere);
  }
  expect((await fetch(`${server.url}/v1/streams/scores`)).status).toBe(404);
});
