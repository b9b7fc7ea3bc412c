import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { startApp } from "../support/app.ts";

/** A request as the guide writes it for curl. */
interface Shown {
  path: string;
  init: RequestInit;
}

const guide = readFileSync(new URL("../../docs/guide/chats.md", import.meta.url), "utf8");
const requests = [...guide.matchAll(/```sh\n(.*?)```/gs)]
  .flatMap(([, code = ""]) => code.replaceAll("\\\n", "").split("\n"))
  .filter((line) => line !== "")
  .map(parseCurl);

test("each request of the guide on chats is taken, in the order in which it stands there", async () => {
  await using app = await startApp();
  let chat = "CHAT";
  for (const { path, init } of requests) {
    const shown = `${init.method} ${path}`;
    const response = await app.ask(path.replace("CHAT", chat), init);
    expect(response.ok, `${shown}: ${response.status}`).toBe(true);
    if (response.headers.get("content-type")?.startsWith("text/event-stream") === true) {
      await response.body?.cancel();
      continue;
    }
    const answer = response.status === 204 ? {} : ((await response.json()) as Record<string, unknown>);
    if (shown === "POST /v1/chats") chat = String(answer["chat"]);
    if (shown === "GET /v1/chats?q=event+stream") expect(answer).toEqual({ chats: [] });
    // The next one may want that nothing is being written.
    if (answer["run"] !== undefined) await app.send("POST", `/v1/chats/${chat}/stop`, {});
  }
  expect(requests.length).toBeGreaterThan(10);
  const { messages } = (await (await app.ask(`/v1/chats/${chat}`)).json()) as { messages: unknown[] };
  expect(messages).toHaveLength(3);
});

function parseCurl(line: string): Shown {
  const words = [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? "");
  const after = (flag: string) => words.flatMap((word, at) => (word === flag ? [words[at + 1] ?? ""] : []));
  const url = words.find((word) => word.startsWith("http://"));
  if (words[0] !== "curl" || url === undefined) throw new Error(`not a request: ${line}`);
  const { pathname, search } = new URL(url);
  const [method = "GET"] = after("-X");
  const [body] = after("-d");
  const headers = after("-H").map((header): [string, string] => {
    const [name = "", value = ""] = header.split(": ", 2);
    return [name, value];
  });
  return {
    path: pathname + search,
    init: { method, headers, ...(body !== undefined && { body }) },
  };
}
