import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startApp } from "../support/app.ts";
import type { TestServer } from "../support/app.ts";

const guide = readFileSync(new URL("../../docs/guide/use-it-with.md", import.meta.url), "utf8");
const lines = [...guide.matchAll(/```sh\n(curl .*?)\n```/gs)].map(([, line = ""]) => line);

let app: TestServer;
let url: string;
beforeAll(async () => {
  app = await startApp({ model: "told" });
  url = await app.server.listen(0);
});
afterAll(() => app[Symbol.asyncDispose]());

/** Runs a line as it stands in the guide, but for the address and the model, with the machine's own curl; until it ends, or has printed
 *  `until`. */
function runLine(line: string, until?: string): Promise<string> {
  const command = line.replaceAll("http://127.0.0.1:4000", url).replaceAll('"guide"', '"told"');
  return new Promise((resolve, reject) => {
    let printed = "";
    const child = execFile("/bin/sh", ["-c", `exec ${command.replace("curl ", "curl -sS ")}`], (error) => {
      if (error === null || error.killed === true) resolve(printed);
      else reject(error);
    });
    child.stdout?.on("data", (text: string) => {
      printed += text;
      if (until !== undefined && printed.includes(until)) child.kill();
    });
  });
}

test("each line for curl is run by curl itself", async () => {
  const [live = "", append = "", page = "", ask = "", complete = ""] = lines;
  expect(lines).toHaveLength(5);
  const followed = runLine(live, '"home":2');
  await expect.poll(() => app.server.readers).toBe(1);
  expect(await runLine(append)).toContain('{"cursor":');
  expect(await followed).toContain('data: {"type":"score","home":2}');
  expect(await runLine(page)).toContain('"event":{"type":"score","home":2}');
  const answer = await runLine(ask, "event: end");
  // In one piece or in two: what was there before it was asked for comes merged.
  const said = [...answer.matchAll(/^data: \{"text":"(.*)"\}$/gm)].map(([, text]) => text);
  expect(said.join("")).toBe("Hello there");
  // The same answer, not another one.
  expect(await runLine(ask, "event: end")).toContain(/"run":"\w+"/.exec(answer)?.[0]);
  expect(app.told.calls).toHaveLength(1);
  expect(await runLine(complete)).toMatch(/data: \[DONE\]\s*$/);
});
