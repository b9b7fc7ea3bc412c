import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const MAIN = fileURLToPath(new URL("../../dist/cli/main.js", import.meta.url));
const START_MS = 60_000;

export interface ServerProcessOptions {
  /** Plays the demo feeds. Default false. */
  hasDemo?: boolean;
  /** Asks models for the titles of chats. Default false. */
  asksForTitles?: boolean;
  /** After `serve --port P --data DIR --dev --no-demo --no-titles`. Default: none. */
  args?: readonly string[];
  /** Beside the environment of the tests, from which the keys of providers are taken out. */
  env?: Readonly<Record<string, string>>;
  /** Default: a new folder, removed at disposal. A folder that is given stays. */
  dataDir?: string;
  /** Default: any free port. */
  port?: number;
}

export interface ServerProcess extends AsyncDisposable {
  /** `http://127.0.0.1:PORT`, without a slash at its end. */
  url: string;
  pid: number;
  dataDir: string;
  /** Sends a signal to this process alone. Default SIGTERM. `exit` says when it is gone. */
  kill(signal?: NodeJS.Signals): void;
  /** The exit code; null if a signal ended it. */
  exit: Promise<number | null>;
  /** What it has printed so far, both streams in the order of arrival. */
  output(): string;
}

/** Starts the built command as a process of its own, as a user would; resolves when it has printed its address.
 *  Errors: rejects with the output if it ends, or is silent for a minute, before that. */
export async function startServerProcess(options: ServerProcessOptions = {}): Promise<ServerProcess> {
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "millrace-test-")));
  const port = String(options.port ?? 0);
  const without = [
    ...(options.hasDemo === true ? [] : ["--no-demo"]),
    ...(options.asksForTitles === true ? [] : ["--no-titles"]),
  ];
  const child = spawn(
    process.execPath,
    [MAIN, "serve", "--port", port, "--data", dataDir, "--dev", ...without, ...(options.args ?? [])],
    { env: { ...withoutKeys(process.env), ...options.env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const exit = new Promise<number | null>((resolve) => {
    child.once("exit", (code) => {
      resolve(code);
    });
    child.once("error", () => {
      resolve(null);
    });
  });
  const output = collectOutput(child);
  const dispose = async (): Promise<void> => {
    child.kill("SIGKILL");
    await exit;
    if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
  };

  try {
    const url = await waitForAddress(child, output);
    if (child.pid === undefined) throw new Error("The process has printed an address but has no pid.");
    return {
      url,
      pid: child.pid,
      dataDir,
      kill: (signal = "SIGTERM") => {
        child.kill(signal);
      },
      exit,
      output,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** A port of loopback that is free, for a server that must know its port before it starts. It is none of those that the system gives to
 *  whoever asks for any (from 32,768 on): nobody gets it until that server has started. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 20_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false)); // taken: another one is tried
      server.listen(port, "127.0.0.1", () => resolve(true));
    });
    if (!isFree) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

function waitForAddress(child: ChildProcess, output: () => string): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (what: string): void => {
      clearTimeout(timer);
      reject(new Error(`The server ${what} before it printed its address.\n${output()}`));
    };
    const timer = setTimeout(() => {
      fail(`was silent for ${START_MS / 1000} s`);
    }, START_MS);
    const look = (): void => {
      // A piece of output may end inside the port: only what something else follows is whole.
      const url = /(http:\/\/127\.0\.0\.1:\d+)\D/.exec(output())?.[1];
      if (url === undefined) return;
      clearTimeout(timer);
      resolve(url);
    };
    child.stdout?.on("data", look);
    child.stderr?.on("data", look);
    // `close`, not `exit`: its last words have arrived by then.
    child.once("close", (code, signal) => {
      fail(`ended (${code ?? signal})`);
    });
    child.once("error", (error) => {
      fail(`did not start (${error.message})`);
    });
  });
}

function collectOutput(child: ChildProcess): () => string {
  let text = "";
  const onText = (piece: string): void => {
    text += piece;
  };
  child.stdout?.setEncoding("utf8").on("data", onText);
  child.stderr?.setEncoding("utf8").on("data", onText);
  return () => text;
}

/** A developer's key must not add a paid model to a test. */
function withoutKeys(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.endsWith("_API_KEY")));
}
