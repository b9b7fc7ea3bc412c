import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { checkImports, readModule } from "./support/imports.ts";
import type { ImportRule } from "./support/imports.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PROTOCOL = "src/protocol/";
/** The contracts of the log and of the bus, which carries the log's hints. */
const LOG_TYPES = ["src/log/log.ts", "src/log/bus.ts"];

/** Who may import what. Imports point down the way of data; hub and chat meet in the log, client and server in the
 *  protocol. A row with a narrower pattern stands above the row of its folder. */
const RULES: ImportRule[] = [
  { files: /^src\/protocol\//, may: [] },
  {
    files: /^src\/log\/lmdb[^/]*\.ts$/,
    may: [PROTOCOL],
    packages: ["lmdb", "fs-native-extensions"],
    node: true,
  },
  { files: /^src\/log\/redis[^/]*\.ts$/, may: [PROTOCOL], packages: ["ioredis"], node: true },
  { files: /^src\/log\//, may: [PROTOCOL] },
  { files: /^src\/hub\//, may: [PROTOCOL], mayType: LOG_TYPES },
  {
    files: /^src\/chat\/guide-documents\.ts$/,
    may: [PROTOCOL],
    mayType: LOG_TYPES,
    packages: ["minisearch"],
    node: true,
  },
  {
    files: /^src\/chat\//,
    may: [PROTOCOL],
    mayType: LOG_TYPES,
    packages: ["eventsource-parser", "minisearch", "zod"],
  },
  {
    files: /^src\/http\/(node|late-requests)\.ts$/,
    may: [PROTOCOL, "src/hub/", "src/chat/"],
    mayType: LOG_TYPES,
    packages: ["hono", "@hono/node-server", "zod"],
    node: true,
  },
  {
    files: /^src\/http\/static\.ts$/,
    may: [PROTOCOL, "src/hub/", "src/chat/"],
    mayType: LOG_TYPES,
    packages: ["hono", "zod"],
    node: true,
  },
  {
    files: /^src\/http\/auth\//,
    may: [PROTOCOL, "src/hub/", "src/chat/", "src/http/"],
    mayType: LOG_TYPES,
    packages: ["hono", "jose", "zod"],
  },
  {
    files: /^src\/http\//,
    may: [PROTOCOL, "src/hub/", "src/chat/"],
    mayType: LOG_TYPES,
    packages: ["hono", "zod"],
  },
  { files: /^src\/client\//, may: [PROTOCOL], packages: ["eventsource-parser"] },
  { files: /^src\/ai-sdk\//, may: [], packages: ["eventsource-parser"] },
  { files: /^src\/react\//, may: [PROTOCOL, "src/client/"], packages: ["react"] },
  {
    files: /^src\/cli\//,
    may: [PROTOCOL, "src/client/", "src/server.ts"],
    packages: ["commander", "eventsource-parser"],
    node: true,
  },
  {
    files: /^src\/server[^/]*\.ts$/,
    packages: ["pino", "prom-client", "@opentelemetry/api"],
    may: [
      PROTOCOL,
      "src/log/",
      "src/hub/",
      "src/chat/",
      "src/http/",
      "src/server-fetch.ts",
      "src/server-figures.ts",
      "src/server-log-lines.ts",
      "src/server-metrics.ts",
      "src/server-trace.ts",
      "src/server-run.ts",
      "src/server-streams.ts",
      "src/server-keys.ts",
    ],
    node: true,
  },
];

describe("the parts of src/", () => {
  const sources = readSources("src");

  it("import only what the table allows, without cycles, stars and default exports", () => {
    expect(checkImports(sources, RULES)).toEqual([]);
  });

  it("are all read", () => {
    expect(sources.has("src/protocol/index.ts")).toBe(true);
    expect(sources.has("src/log/lmdb.ts")).toBe(true);
  });
});

describe("the page", () => {
  it("knows the package by its public names alone: it is our first user", () => {
    const names = new Set(["millrace/client", "millrace/client/live", "millrace/protocol", "millrace/react"]);
    const foreign = [...readSources("web")].flatMap(([path, source]) =>
      readModule(path, source)
        .imports.filter(({ specifier }) => !names.has(specifier) && isForeign(path, specifier))
        .map(({ specifier }) => `${path}: ${specifier}`),
    );
    expect(foreign).toEqual([]);
    expect(readSources("web").has("web/main.tsx")).toBe(true);
  });
});

describe("the import checker", () => {
  const TARGETS = {
    "src/protocol/event.ts": "export const event = 1;",
    "src/log/log.ts": "export interface Log {}",
    "src/log/memory.ts": "export const memory = 1;",
    "src/hub/hub.ts": "export const hub = 1;",
    "src/chat/runner.ts": "export const runner = 1;",
    "src/http/app.ts": "export const app = 1;",
    "src/client/connection.ts": "export const connection = 1;",
    "src/react/use-chat.ts": "export const useChat = 1;",
    "src/cli/serve.ts": "export const serve = 1;",
    "src/server.ts": "export const server = 1;",
  };
  const check = (path: string, source: string) =>
    checkImports(new Map([...Object.entries(TARGETS), [path, source]]), RULES);

  it.each([
    ["src/protocol/a.ts", 'import { memory } from "../log/memory.ts";', "may not import src/log/memory.ts"],
    ["src/protocol/a.ts", 'import type { Log } from "../log/log.ts";', "may not import src/log/log.ts"],
    ["src/protocol/a.ts", 'import { z } from "zod";', "may not import the package zod"],
    ["src/log/a.ts", 'import { hub } from "../hub/hub.ts";', "may not import src/hub/hub.ts"],
    ["src/log/a.ts", 'import { open } from "lmdb";', "may not import the package lmdb"],
    ["src/log/a.ts", 'import { Redis } from "ioredis";', "may not import the package ioredis"],
    ["src/log/lmdb.ts", 'import { Redis } from "ioredis";', "may not import the package ioredis"],
    ["src/log/lmdb.ts", 'import { hub } from "../hub/hub.ts";', "may not import src/hub/hub.ts"],
    ["src/hub/a.ts", 'import { Log } from "../log/log.ts";', "src/log/log.ts for its types only"],
    ["src/hub/a.ts", 'import { type Log } from "../log/log.ts";', "src/log/log.ts for its types only"],
    ["src/hub/a.ts", 'import type { M } from "../log/memory.ts";', "may not import src/log/memory.ts"],
    ["src/hub/a.ts", 'import { runner } from "../chat/runner.ts";', "may not import src/chat/runner.ts"],
    ["src/hub/a.ts", 'import { z } from "zod";', "may not import the package zod"],
    ["src/chat/a.ts", 'import { hub } from "../hub/hub.ts";', "may not import src/hub/hub.ts"],
    ["src/chat/a.ts", 'import { Hono } from "hono";', "may not import the package hono"],
    ["src/http/a.ts", 'import { memory } from "../log/memory.ts";', "may not import src/log/memory.ts"],
    ["src/http/a.ts", 'import { server } from "../server.ts";', "may not import src/server.ts"],
    ["src/http/a.ts", 'import { serve } from "@hono/node-server";', "the package @hono/node-server"],
    ["src/server.ts", 'import { serve } from "./cli/serve.ts";', "may not import src/cli/serve.ts"],
    [
      "src/server.ts",
      'import { c } from "./client/connection.ts";',
      "may not import src/client/connection.ts",
    ],
    ["src/client/a.ts", 'import { app } from "../http/app.ts";', "may not import src/http/app.ts"],
    ["src/react/a.ts", 'import { hub } from "../hub/hub.ts";', "may not import src/hub/hub.ts"],
    ["src/cli/a.ts", 'import { app } from "../http/app.ts";', "may not import src/http/app.ts"],
    [
      "src/cli/a.ts",
      'import { useChat } from "../react/use-chat.ts";',
      "may not import src/react/use-chat.ts",
    ],
    ["src/cli/a.ts", 'import { parse } from "minisearch";', "may not import the package minisearch"],
  ])("refuses in %s: %s", (path, source, problem) => {
    expect(check(path, source)).toEqual([expect.stringContaining(problem)]);
  });

  it.each([
    "src/protocol/a.ts",
    "src/log/a.ts",
    "src/hub/a.ts",
    "src/chat/a.ts",
    "src/http/a.ts",
    "src/client/a.ts",
    "src/react/a.ts",
  ])("refuses node: modules in %s", (path) => {
    expect(check(path, 'import { join } from "node:path";')).toEqual([
      `${path}: imports node:path, but must run anywhere`,
    ]);
  });

  it.each([
    'import("../hub/hub.ts");',
    'export { hub } from "../hub/hub.ts";',
    'export type { Hub } from "../hub/hub.ts";',
    'import "../hub/hub.ts";',
    'import hub = require("../hub/hub.ts");',
    'export type Hub = import("../hub/hub.ts").Hub;',
    'export type Hub = typeof import("../hub/hub.ts");',
    'export async function load() {\n  const { hub } = await import(\n    "../hub/hub.ts"\n  );\n  return hub;\n}',
  ])("sees the import in: %s", (source) => {
    expect(check("src/chat/a.ts", source)).toEqual(["src/chat/a.ts: may not import src/hub/hub.ts"]);
  });

  it("does not take a comment or a string for an import", () => {
    const source = '// import "../hub/hub.ts";\nexport const text = `import "../hub/hub.ts"`;';
    expect(check("src/chat/a.ts", source)).toEqual([]);
  });

  it("knows which imports are gone after compilation", () => {
    const source = [
      'import type { A } from "a";',
      'export type { B } from "b";',
      'export type C = import("c").C;',
      'import { type D } from "d";',
      'import { e } from "e";',
    ].join("\n");
    expect(readModule("a.ts", source).imports.map(({ isTypeOnly }) => isTypeOnly)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it.each([
    ["a default export", "export default 1;", "a default export; exports have names"],
    [
      "a renamed default export",
      "const a = 1;\nexport { a as default };",
      "a default export; exports have names",
    ],
    ["a star", 'export * from "./event.ts";', "`export *`; an entry lists each name"],
    ["a named star", 'export * as all from "./event.ts";', "`export *`; an entry lists each name"],
    [
      "a computed import",
      "export const load = (name: string) => import(name);",
      "an import of a computed name, which nothing can check",
    ],
    ["an import of nothing", 'import "./absent.ts";', "imports ./absent.ts, which is not a file of src/"],
  ])("refuses %s", (_name, source, problem) => {
    expect(check("src/protocol/a.ts", source)).toEqual([`src/protocol/a.ts: ${problem}`]);
  });

  it("refuses what does not parse", () => {
    expect(check("src/protocol/a.ts", "export const = 1;")[0]).toContain("does not parse");
  });

  it.each(["utils", "common", "helpers"])("refuses a folder called %s", (name) => {
    expect(check(`src/http/${name}/a.ts`, "export const a = 1;")).toEqual([
      `src/http/${name}/a.ts: a folder called ${name} says nothing about its files`,
    ]);
  });

  it("refuses a file that no rule names", () => {
    expect(check("src/new/a.ts", "export const a = 1;")).toEqual(["src/new/a.ts: no rule names this file"]);
  });

  it("refuses a cycle, of types too", () => {
    const files = new Map([
      ["src/hub/a.ts", 'import { b } from "./b.ts";\nexport const a = b;'],
      ["src/hub/b.ts", 'import { c } from "./c.ts";\nexport const b = c;'],
      ["src/hub/c.ts", 'import type { a } from "./a.ts";\nexport const c = 1;'],
    ]);
    expect(checkImports(files, RULES)).toEqual([
      "a cycle of imports: src/hub/a.ts → src/hub/b.ts → src/hub/c.ts → src/hub/a.ts",
    ]);
  });

  it("accepts what the table allows", () => {
    expect(check("src/hub/a.ts", 'import type { Log } from "../log/log.ts";')).toEqual([]);
    expect(check("src/log/lmdb-a.ts", 'import { open } from "lmdb";\nimport "node:fs";')).toEqual([]);
    expect(
      check("src/http/node.ts", 'import { serve } from "@hono/node-server";\nimport "node:net";'),
    ).toEqual([]);
    expect(check("src/cli/a.ts", 'import { server } from "../server.ts";')).toEqual([]);
    expect(check("src/server-options.ts", 'import { app } from "./http/app.ts";')).toEqual([]);
  });
});

/** Whether the page's file reaches beyond the page. */
function isForeign(path: string, specifier: string): boolean {
  if (!specifier.startsWith(".")) return /^(millrace|node:)/.test(specifier);
  return !new URL(specifier, `file:///${path}`).pathname.startsWith("/web/");
}

function readSources(folder: string): Map<string, string> {
  const paths = readdirSync(`${ROOT}/${folder}`, { recursive: true, encoding: "utf8" })
    .filter((path) => /\.tsx?$/.test(path))
    .map((path) => `${folder}/${path.replaceAll("\\", "/")}`)
    .sort((a, b) => (a < b ? -1 : 1));
  return new Map(paths.map((path) => [path, readFileSync(`${ROOT}/${path}`, "utf8")]));
}
