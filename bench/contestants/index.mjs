import { createRequire } from "node:module";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { freePort, startCommand, startModule } from "../children.mjs";
import { REDIS } from "../load/redis.mjs";

/** @typedef {object} Contestant
 *  @property {string} name
 *  @property {string} title          With its version, as the report shows it.
 *  @property {string[]} [packages]   What must be installed in bench/node_modules.
 *  @property {string[]} [files]      What must be on the machine.
 *  @property {boolean} [needsRedis]
 *  @property {(stream: string) => string} readPath
 *  @property {(port: number, path: string) => string} [handshake]  Absent: a GET of an event stream.
 *  @property {string} [hello]  What a reader sends once it is answered.
 *  @property {number} [atOnce]  So many readers connect at the same time; absent: 256.
 *  @property {{kind: string, everyMs?: number}} [transport]  How a client reads; absent: SSE.
 *  @property {(stream: string) => string} [publishPath]  Absent: it publishes in its own process.
 *  @property {Record<string, string>} [publishHeaders]
 *  @property {(port: number) => number} [publishPort]  Absent: the one that readers use.
 *  @property {[string, string]} [publishBody]  JSON around the event, which stands in it as a string; absent: the event alone.
 *  @property {(options: {port: number, folder: string}) => Promise<{publish?: Function}>} [serve]  Runs in a process of its own.
 *  @property {(options: {port: number, folder: string}) => {command: string, args: string[], env?: object}} [command]
 *  @property {(options: {port: number, streams: string[]}) => Promise<void>} [prepare]  Before readers come. */

const require = createRequire(import.meta.url);

/** @returns {Promise<Contestant & {missing?: string}>} */
export async function loadContestant(name, folder = "contestants") {
  const { default: contestant } = await import(`../${folder}/${name}.mjs`);
  const absent = (contestant.packages ?? []).filter((wanted) => versionOf(wanted) === undefined);
  const needed = [...(contestant.files ?? []), ...(contestant.needsRedis ? [REDIS] : [])];
  const files = needed.filter((path) => !existsSync(path));
  const missing = [...absent, ...files].join(", ");
  const version = contestant.version?.() ?? contestant.packages?.map(versionOf).join(" on ");
  return { ...contestant, name, version, ...(missing !== "" && { missing }) };
}

export function versionOf(name) {
  for (const folder of require.resolve.paths(name) ?? []) {
    const path = join(folder, name, "package.json");
    // A package of the product's own is not the one that was asked for here.
    if (folder.includes("/bench/") && existsSync(path)) return require(path).version;
  }
  return undefined;
}

/** Starts a contestant as a process of its own; what it kept is removed when it stops. */
export async function startContestant(
  contestant,
  { env = {}, folder: kept, streams = ["bench"], execArgv } = {},
) {
  const folder = kept ?? mkdtempSync(join(tmpdir(), "millrace-bench-"));
  const port = await freePort();
  const options = { port, folder };
  let server;
  if (contestant.serve !== undefined) {
    server = startModule("contestants/host.mjs", [contestant.name], { env, execArgv });
    await server.ask("serve", options);
  } else {
    const started = contestant.command(options);
    server = await startCommand(started.command, [...(execArgv ?? []), ...started.args], {
      port: contestant.publishPort?.(port) ?? port,
      env: { ...started.env, ...env },
      cwd: folder,
    });
  }
  await contestant.prepare?.({ port, streams });
  return {
    contestant,
    port,
    pid: server.pid,
    ask: server.ask,
    request: (stream) =>
      contestant.handshake?.(port, contestant.readPath(stream)) ??
      `GET ${contestant.readPath(stream)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAccept: text/event-stream\r\n\r\n`,
    async stop(signal) {
      // A profile is written by a process that ends by itself.
      await server.stop(execArgv === undefined ? signal : "SIGTERM");
      if (kept === undefined) rmSync(folder, { recursive: true, force: true });
    },
  };
}
