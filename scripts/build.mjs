#!/usr/bin/env node
/** Builds everything into dist/: the library, the page, the documents that the guide model reads, and the demo's prices.
 *
 *  `--if-needed` builds only if a source differs from what was built last, by content.
 *  A build grows in a folder of its own and takes the place of dist/ when it is whole, with its stamp inside. So an
 *  interrupted build is never taken for built, a deleted source leaves nothing behind, and two builds do not mix. */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, statSync } from "node:fs";
import { chmod, cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { renderDocument } from "./docs.mjs";
import { writePrices } from "./prices.mjs";
import { ROOT, printOutput, printStep, runTool } from "./tool.mjs";

const DIST = join(ROOT, "dist");
const CACHE = join(ROOT, ".cache");
const STAMP = ".build.json";
const SWAP_ATTEMPTS = 5;

const SOURCES = [
  "src",
  "web",
  "docs/guide",
  "README.md",
  "PROTOCOL.md",
  "package.json",
  "package-lock.json",
  "vite.config.ts",
  "tsconfig.json",
  "tsconfig.build.json",
  "scripts/build.mjs",
  "scripts/docs.mjs",
  "scripts/prices.mjs",
];
const DOCUMENTS = ["README.md", "PROTOCOL.md", "docs/guide"];

// What is built is what is shipped: under vitest this is "test", and React's development build would be taken.
process.env.NODE_ENV = "production";

process.exitCode = await main();

async function main() {
  // Taken before the build: a source that changes meanwhile makes the next `--if-needed` build again.
  const stamp = stampOf(sourceFiles());
  if (process.argv.includes("--if-needed") && (await readStamp()) === stamp) return 0;

  await removeAbandonedBuilds();
  const target = join(CACHE, `build-${process.pid}`);
  try {
    await mkdir(target, { recursive: true });
    const isBuilt = (await buildLibrary(target)) && (await buildPage(target));
    if (!isBuilt) return 1;
    await copyDocuments(target);
    await writePrices(target);
    await writeFile(join(target, STAMP), `${JSON.stringify({ sources: stamp })}\n`);
    await swapIn(target);
    return 0;
  } finally {
    await rm(target, { recursive: true, force: true });
  }
}

async function buildLibrary(target) {
  const startedAt = performance.now();
  const tsc = await runTool("tsc", ["-p", "tsconfig.build.json", "--outDir", target]);
  if (tsc.code === 0) {
    const command = join(target, "cli", "main.js");
    if (existsSync(command)) await chmod(command, 0o755);
  }
  return finish("build: library", startedAt, tsc);
}

async function buildPage(target) {
  if (!existsSync(join(ROOT, "web", "index.html"))) return true;
  const startedAt = performance.now();
  const vite = await runTool("vite", ["build", "--outDir", join(target, "web"), "--emptyOutDir"]);
  return finish("build: web", startedAt, vite);
}

function finish(step, startedAt, { code, output }) {
  printStep(step, startedAt, code === 0 ? "" : "failed");
  if (code !== 0) printOutput(output);
  return code === 0;
}

async function copyDocuments(target) {
  const startedAt = performance.now();
  const documents = DOCUMENTS.flatMap((path) => filesUnder(path)).filter((path) => path.endsWith(".md"));
  await Promise.all(
    documents.map(async (path) => {
      const to = join(target, "docs", path);
      await mkdir(dirname(to), { recursive: true });
      await cp(join(ROOT, path), to);
      await renderDocument(path, join(target, "web"));
    }),
  );
  printStep("build: documents", startedAt);
}

/** Puts a whole build in the place of dist/. Between the two renames there is no dist/, which reads as "not built". */
async function swapIn(target) {
  const former = join(CACHE, `build-${process.pid}-former`);
  for (let attempt = 1; ; attempt += 1) {
    try {
      if (existsSync(DIST)) await rename(DIST, former);
      await rename(target, DIST);
      break;
    } catch (error) {
      // Another build swapped at the same moment: either one is whole, so try again over it.
      if (attempt === SWAP_ATTEMPTS) throw error;
      await rm(former, { recursive: true, force: true });
    }
  }
  await rm(former, { recursive: true, force: true });
}

/** A killed build leaves its folder; it is removed once its process is gone. */
async function removeAbandonedBuilds() {
  if (!existsSync(CACHE)) return;
  const abandoned = readdirSync(CACHE).filter((name) => {
    const pid = /^build-(\d+)/.exec(name)?.[1];
    return pid !== undefined && !isRunning(Number(pid));
  });
  await Promise.all(abandoned.map((name) => rm(join(CACHE, name), { recursive: true, force: true })));
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === "EPERM";
  }
}

async function readStamp() {
  try {
    return JSON.parse(await readFile(join(DIST, STAMP), "utf8")).sources;
  } catch {
    // No stamp, or half of one: not built. Building again is always safe.
    return undefined;
  }
}

function sourceFiles() {
  return SOURCES.flatMap((path) => filesUnder(path));
}

function filesUnder(path) {
  const absolute = join(ROOT, path);
  if (!existsSync(absolute)) return [];
  if (!statSync(absolute).isDirectory()) return [path];
  // Sorted, since the order that a file system gives may differ where the files do not.
  const names = readdirSync(absolute).sort((a, b) => (a < b ? -1 : 1));
  return names.flatMap((name) => filesUnder(`${path}/${name}`));
}

/** By content, not by time: a checkout sets new times on old content, and an editor may keep the time. The sources are
 *  small enough that reading them all costs a few milliseconds. */
function stampOf(paths) {
  const hash = createHash("sha256");
  for (const path of paths) {
    const content = readFileSync(join(ROOT, path));
    hash.update(`${path}\0${content.length}\0`).update(content);
  }
  return hash.digest("hex");
}
