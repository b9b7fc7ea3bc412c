import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { chmod, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const CACHE = fileURLToPath(new URL("../../.cache/runtimes/", import.meta.url));

/** A runtime that is no dependency: 100 MB each, and wanted by one test. */
export interface Runtime {
  name: string;
  /** A package of the registry that holds nothing but its binary, with the version that the test was written for. */
  package: string;
  /** Where the binary is in it. */
  binary: string;
}

/** Gets the binary of a runtime: what is in `.cache/runtimes`, else from the registry, through npm and its cache.
 *  Errors: a plain one that says what to do, where it cannot be had. It is no reason to leave a test out. */
export async function fetchRuntime({ name, package: wanted, binary }: Runtime): Promise<string> {
  const folder = join(CACHE, wanted.replaceAll("/", "-"));
  const path = join(folder, binary);
  if (existsSync(path)) return path;
  await mkdir(CACHE, { recursive: true });
  const fresh = await mkdtemp(join(CACHE, "fetching-"));
  try {
    const { stdout } = await run("npm", ["pack", wanted, "--silent", "--pack-destination", fresh]);
    const file = join(fresh, stdout.trim());
    await run("tar", ["-xzf", file, "-C", fresh, "--strip-components=1", `package/${binary}`]);
    await rm(file);
    await chmod(join(fresh, binary), 0o755);
    // Whole or not there; another run may have been faster.
    await rename(fresh, folder).catch(() => rm(fresh, { recursive: true }));
  } catch (error) {
    await rm(fresh, { recursive: true, force: true });
    throw new Error(
      `${name} could not be fetched from the registry as ${wanted}, so nothing was run on it. Check the network (npm pack ${wanted}), then run this test again.`,
      { cause: error },
    );
  }
  return path;
}

const { platform, arch } = process;

/** Node of a version. */
export function nodeRuntime(version: string): Runtime {
  return {
    name: `Node ${version}`,
    package: `node-${platform === "win32" ? "win" : platform}-${arch}@${version}`,
    binary: "bin/node",
  };
}

export function bunRuntime(version: string): Runtime {
  const package_ = `@oven/bun-${platform}-${arch === "arm64" ? "aarch64" : arch}@${version}`;
  return { name: `Bun ${version}`, package: package_, binary: "bin/bun" };
}

export function denoRuntime(version: string): Runtime {
  const package_ = `@deno/${platform}-${arch}${platform === "linux" ? "-glibc" : ""}@${version}`;
  return { name: `Deno ${version}`, package: package_, binary: "deno" };
}
