import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

interface Manifest {
  exports: Record<string, string>;
  dependencies: Record<string, string>;
}
const manifest = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as Manifest; // it is ours

/** What is imported of the package: `millrace`, `millrace/client`, and so on. */
export const SUBPATHS = Object.keys(manifest.exports)
  .filter((path) => path !== "./package.json")
  .map((path) => `millrace${path.slice(1)}`);

/** Somebody's project, outside of the repository, with the package as it is published. */
export interface Consumer extends AsyncDisposable {
  folder: string;
  write(files: Record<string, string>): Promise<void>;
}

/** Packs what is built, and puts it into a project that has it, what it depends on, and what else is named. Nothing is downloaded:
 *  the rest is linked from where the repository has it. */
export async function createConsumer(others: readonly string[] = []): Promise<Consumer> {
  const folder = await mkdtemp(join(tmpdir(), "millrace-consumer-"));
  const modules = join(folder, "node_modules");
  await mkdir(join(modules, "millrace"), { recursive: true });
  const { stdout } = await run(
    "npm",
    ["pack", "--silent", "--ignore-scripts", "--pack-destination", folder],
    {
      cwd: ROOT,
    },
  );
  const file = join(folder, stdout.trim());
  await run("tar", ["-xzf", file, "-C", join(modules, "millrace"), "--strip-components=1"]);
  for (const name of [...Object.keys(manifest.dependencies), ...others]) {
    const link = join(modules, name);
    await mkdir(dirname(link), { recursive: true });
    await symlink(join(ROOT, "node_modules", name), link);
  }
  const write = async (files: Record<string, string>) => {
    await Promise.all(Object.entries(files).map(([name, text]) => writeFile(join(folder, name), text)));
  };
  await write({ "package.json": '{ "name": "consumer", "private": true, "type": "module" }\n' });
  return {
    folder,
    write,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
