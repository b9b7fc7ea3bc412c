import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { existsSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, expect, test } from "vitest";
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
