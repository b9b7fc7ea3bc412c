import { fork, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { processTree } from "./measure.mjs";

/** Every process that a run has started, so that none outlives it. */
const running = new Set();

for (const signal of ["SIGINT", "SIGTERM"]) {
  process.once(signal, () => {
    killAll();
    process.exit(130);
  });
}
process.once("exit", killAll);

/** Ends every process of this run; whoever waits for one of them is told. */
export function killAll() {
  for (const child of running) kill(child);
}

/** With those that it has started. */
function kill(child) {
  try {
    for (const pid of processTree(child.pid)) process.kill(pid, "SIGKILL");
  } catch {
    // One has ended by itself meanwhile.
    child.kill("SIGKILL");
  }
}

function track(child) {
  running.add(child);
  child.once("exit", () => running.delete(child));
  return child;
}

/** Starts one of bench's own modules, which answers messages; `ask` rejects when the process is gone. */
export function startModule(path, args = [], { env = {}, execArgv = [] } = {}) {
  const child = track(
    fork(fileURLToPath(new URL(path, import.meta.url)), args, {
      env: { ...process.env, ...env },
      execArgv: ["--disable-warning=ExperimentalWarning", ...execArgv],
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    }),
  );
  const open = new Map();
  let nextId = 0;
  child.on("message", ({ id, answer, error }) => {
    const { resolve, reject } = open.get(id) ?? {};
    open.delete(id);
    if (error === undefined) resolve?.(answer);
    else reject?.(new Error(error));
  });
  child.once("exit", (code, signal) => {
    for (const { reject } of open.values()) reject(new Error(`${path} has ended (${code ?? signal}).`));
    open.clear();
  });
  return {
    pid: child.pid,
    ask: (type, options = {}) =>
      new Promise((resolve, reject) => {
        nextId += 1;
        open.set(nextId, { resolve, reject });
        child.send({ ...options, id: nextId, type }, (error) => error && reject(error));
      }),
    stop: (signal = "SIGKILL") => stop(child, signal),
  };
}

/** Where the machine has it: a command dies with this process, whatever ends it. */
const GUARD = "/usr/bin/setpriv";

function guarded(command, args) {
  return existsSync(GUARD) ? [GUARD, ["--pdeathsig", "KILL", command, ...args]] : [command, args];
}

/** Starts a command and waits until it accepts connections. */
export async function startCommand(command, args, { port, env = {}, cwd }) {
  const child = track(
    spawn(...guarded(command, args), {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    }),
  );
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (bytes) => {
      output = (output + bytes).slice(-2_000);
    });
  await whenAccepts(port, () => child.exitCode !== null && `${command} has ended:\n${output}`);
  return { pid: child.pid, stop: (signal = "SIGKILL") => stop(child, signal) };
}

/** Waits, at most 20 s. */
async function whenAccepts(port, failure) {
  for (const end = performance.now() + 20_000; performance.now() < end;) {
    const why = failure();
    if (why) throw new Error(why);
    const isOpen = await new Promise((resolve) => {
      const socket = connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => setTimeout(() => resolve(false), 20));
    });
    if (isOpen) return;
  }
  throw new Error(`Nothing listens on port ${port}.`);
}

function stop(child, signal) {
  if (child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
  return new Promise((resolve) => {
    const timer = setTimeout(() => kill(child), 5_000);
    child.once("exit", () => {
      clearTimeout(timer);
      resolve();
    });
    if (signal === "SIGKILL") kill(child);
    else child.kill(signal);
  });
}

/** A port of loopback that is free. It is none of those that the system gives to whoever asks for any (from 32,768 on), of whom the load
 *  itself is thousands: nobody gets it until its server has started. */
export async function freePort() {
  for (;;) {
    const port = 11_000 + Math.floor(Math.random() * 20_000);
    const isFree = await new Promise((resolve) => {
      const server = createServer();
      server.once("error", () => resolve(false)); // taken: another one is tried
      server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
