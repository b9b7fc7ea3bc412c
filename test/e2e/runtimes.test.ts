import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SUBPATHS, createConsumer } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";
import { bunRuntime, denoRuntime, fetchRuntime, nodeRuntime } from "../support/runtimes.ts";

const run = promisify(execFile);

/** The last of each line of Node that is maintained, when this was written. The oldest is what the tests themselves run on. */
const RUNTIMES = [
  nodeRuntime("22.23.3"),
  nodeRuntime("24.21.0"),
  nodeRuntime("26.10.0"),
  bunRuntime("1.4.5"),
  denoRuntime("2.9.6"),
];
const [, , , BUN, DENO] = RUNTIMES;

let consumer: Consumer;
const binaries = new Map<string, string>();
beforeAll(async () => {
  const [made] = await Promise.all([
    createConsumer(["react"]),
    ...RUNTIMES.map(async (runtime) => binaries.set(runtime.name, await fetchRuntime(runtime))),
  ]);
  consumer = made;
  const mounted = await readFile(new URL("../../examples/mount-bun-deno.ts", import.meta.url), "utf8");
  await consumer.write({ "smoke.mjs": SMOKE, "mount-bun-deno.ts": mounted, "mounted.mjs": MOUNTED });
}, 600_000);
afterAll(() => consumer[Symbol.asyncDispose]());

const SMOKE = `${SUBPATHS.map((path, at) => `import * as module${at} from "${path}";`).join("\n")}
const modules = [${SUBPATHS.map((_, at) => `module${at}`).join(", ")}];
const [{ createServer }] = modules;
const { createClient } = modules[${SUBPATHS.indexOf("millrace/client")}];
const data = process.argv[2];

let millrace = await createServer({ data, isDev: true });
const url = await millrace.listen(0);
const { cursor } = await millrace.append("scores", [{ n: 1 }, { n: 2 }]);

// Over HTTP, with our own client: what is there, and then what comes.
const client = createClient({ url });
const heard = await new Promise((resolve) => {
  const events = [];
  client.source.follow("scores", {
    kind: "log",
    onDelivery(delivery) {
      if (delivery.type === "caught-up") void millrace.append("scores", { n: 3 });
      if (delivery.type === "event") events.push(delivery.event.n);
      if (events.length === 3) resolve(events);
    },
  });
});
client.close();

const answer = await fetch(url + "/stream?model=script&prompt=" + encodeURIComponent("tokens=5 rate=1000 seed=7"), {
  headers: { accept: "text/event-stream" },
});
const reason = /"reason":"(\\w+)"/.exec(await answer.text())?.[1];
const page = await fetch(url + "/");
await millrace.close();

// From the disk, by another server.
millrace = await createServer({ data });
const kept = [];
for await (const { event } of millrace.read("scores", { after: cursor })) kept.push(event.n);
await millrace.close();
console.log(JSON.stringify({ heard, kept, reason, page: page.status, modules: modules.length }));
process.exit(0);
`;

const RESULT = { heard: [1, 2, 3], kept: [3], reason: "stop", page: 200, modules: SUBPATHS.length };

async function runSmoke(binary: string, name: string): Promise<unknown> {
  const data = join(consumer.folder, `data-${name.replaceAll(" ", "-")}`);
  const { stdout } = await run(binary, ["smoke.mjs", data], { cwd: consumer.folder });
  return JSON.parse(stdout);
}

/** Serves the example with the runtime that it is run by, and uses it from another connection of the same process. */
const MOUNTED = `import { serve } from "./mount-bun-deno.ts";
const { url, close } = await serve(0, { log: "memory" });
const headers = { cookie: "session=ann" };
const refused = (await fetch(url + "/v1/models")).status;
const append = (n) =>
  fetch(url + "/v1/streams/scores", {
    method: "POST",
    headers: { ...headers, "content-type": "application/json" },
    body: JSON.stringify({ n }),
  });
await append(1);
const live = await fetch(url + "/v1/streams/scores?live=1", { headers });
const reader = live.body.pipeThrough(new TextDecoderStream()).getReader();
let text = "";
const readTo = async (wanted) => {
  while (!text.includes(wanted)) text += (await reader.read()).value;
};
await readTo("stream-caught-up");
await append(2);
await readTo('{"n":2}');
const own = await (await fetch(new URL("/hello", url))).json();
await Promise.all([close(), reader.read().catch(() => {})]);
console.log(JSON.stringify({ refused, events: text.match(/"n":\\d/g), own }));
process.exit(0);
`;

describe("the package as it is published", () => {
  test(`runs on Node ${process.versions.node}, which runs these tests`, async () => {
    expect(await runSmoke(process.execPath, "own")).toEqual(RESULT);
  });

  test.each(RUNTIMES.slice(0, 4).map(({ name }) => name))("runs on %s", async (name) => {
    expect(await runSmoke(binaries.get(name) ?? "", name)).toEqual(RESULT);
  });

  test.each(RUNTIMES.slice(0, 3).map(({ name }) => name))("its command runs on %s", async (name) => {
    const main = "node_modules/millrace/dist/cli/main.js";
    const { stdout } = await run(binaries.get(name) ?? "", [main, "--version"], { cwd: consumer.folder });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test.each([
    [BUN?.name ?? "", ["run"]],
    [DENO?.name ?? "", ["run", "-A", "--no-lock"]],
  ])("is mounted in %s as the example says", async (name, args) => {
    const { stdout } = await run(binaries.get(name) ?? "", [...args, "mounted.mjs"], {
      cwd: consumer.folder,
    });
    // Deno says first where it listens.
    const said = stdout.trim().split("\n").at(-1) ?? "";
    expect(JSON.parse(said)).toEqual({
      refused: 401,
      events: ['"n":1', '"n":2'],
      own: { hello: "from here" },
    });
  });
});
