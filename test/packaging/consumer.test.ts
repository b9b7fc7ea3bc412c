import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SUBPATHS, createConsumer } from "../support/consumer.ts";
import type { Consumer } from "../support/consumer.ts";

const BIN = fileURLToPath(new URL("../../node_modules/.bin/", import.meta.url));

let consumer: Consumer;
beforeAll(async () => {
  consumer = await createConsumer(["react", "@types/react", "@types/node", "undici-types", "csstype"]);
  await consumer.write({ "all.ts": ALL, "use.ts": USE, "wrong.ts": WRONG });
});
afterAll(() => consumer[Symbol.asyncDispose]());

/** Each subpath is imported, and something of it used, so that it is not passed over. */
const ALL = `${SUBPATHS.map((path, at) => `import * as module${at} from "${path}";`).join("\n")}
export const all: object[] = [${SUBPATHS.map((_, at) => `module${at}`).join(", ")}];
`;

/** What a user writes, with the types that come out. */
const USE = `import { createServer, StreamError, StreamResetError, toNodeHandler } from "millrace";
import type { Generation, Provider, ReadEvent } from "millrace";
import { createClient } from "millrace/client";
import { useChat } from "millrace/react";

interface Ticket { type: "comment"; text: string }

export async function use(): Promise<string[]> {
  const millrace = await createServer({ log: "memory", basePath: "/millrace" });
  const { cursor }: { cursor: string } = await millrace.append<Ticket>("tickets/42", { type: "comment", text: "Hi" });
  const texts: string[] = [];
  for await (const { at, event } of millrace.read<Ticket>("tickets/42", { after: cursor, live: true })) {
    const time: Date = new Date(at);
    texts.push(event.text + time.toISOString());
  }
  async function* words(): Generation { yield "Hello"; }
  const { run, stream }: { run: string; stream: string } = await millrace.run(words());
  const handler = toNodeHandler((request, env) => millrace.fetch(request, env));
  void [run, stream, handler, useChat, createClient({ url: "/millrace" })];
  return texts;
}
export const isOurs = (error: unknown): boolean => error instanceof StreamError || error instanceof StreamResetError;
export type { Provider, ReadEvent };
`;

/** What the types are there to refuse. */
const WRONG = `import { createServer } from "millrace";
const millrace = await createServer();
await millrace.append<{ text: string }>("a", { txt: "Hi" });
for await (const { event } of millrace.read<{ text: string }>("a")) event.txt;
await createServer({ logs: "memory" });
`;

function check(options: readonly string[]): Promise<string[]> {
  const args = [
    "--noEmit",
    "--strict",
    "--target",
    "es2023",
    "--lib",
    "es2023,dom,dom.iterable,dom.asynciterable",
  ];
  const files = ["all.ts", "use.ts", "wrong.ts"];
  return new Promise((resolve) => {
    execFile(
      join(BIN, "tsc"),
      [...args, "--ignoreConfig", ...options, ...files],
      { cwd: consumer.folder },
      (_error, output) => resolve(output.split("\n").filter((line) => line.includes("error TS"))),
    );
  });
}

const RESOLUTIONS: [name: string, options: string[]][] = [
  ["nodenext", ["--module", "nodenext", "--moduleResolution", "nodenext"]],
  ["bundler", ["--module", "esnext", "--moduleResolution", "bundler"]],
];

test.each(RESOLUTIONS)(
  "each subpath type-checks in somebody's project, its dependencies' types too, with moduleResolution %s",
  async (_name, options) => {
    expect(SUBPATHS.length).toBeGreaterThan(8);
    const found = (await check(options)).map((line) => line.replace(/\(.*?error (TS\d+).*/, " $1"));
    // As many as there are faults in what is wrong; and there is nothing that cannot be found, here or in a dependency.
    expect(found.toSorted()).toEqual(["wrong.ts TS2353", "wrong.ts TS2551", "wrong.ts TS2561"]);
  },
);
