import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer } from "vitest/node";
import type { TestSpecification } from "vitest/node";

/** What they say of milliseconds and of memory is true only of a machine that does nothing else: one at a time, last. */
const ALONE = e2e("nodes-timed", "stalled-readers", "tabs", "three-browsers", "torture");
/** They wait for a lease or a silence to be over, and say within which time: beside each other, without other work. */
const WAITING = [...e2e("live-support-leaving", "live-tabs", "silent-death"), "test/log/redis-nodes.test.ts"];
/** They take longest, and go first: none is left over when the others are done. */
const LONG = [
  ...e2e("kill", "nodes", "live-support", "live-notifications", "refusals"),
  "test/bench/",
  "test/security/fuzz",
];

/** What the examples import under its public name: the sources, not what was built of them. */
const PUBLIC = [
  { find: /^millrace$/, replacement: source("server.ts") },
  { find: /^millrace\/client\/live$/, replacement: source("client/live.ts") },
  { find: /^millrace\/client\/renewal$/, replacement: source("client/renewal.ts") },
  { find: /^millrace\/(ai-sdk|client|protocol|react)$/, replacement: source("$1/index.ts") },
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  resolve: { alias: PUBLIC },
  test: {
    pool: "forks",
    testTimeout: 240_000,
    hookTimeout: 240_000,
    // What is waited for comes, on a busy machine too: how fast is for bench/ to say.
    expect: { poll: { timeout: 60_000 } },
    setupFiles: ["test/support/patience.ts"],
    // The e2e tests run what was built: a stale dist/ would test yesterday's code.
    globalSetup: ["test/support/fresh-build.ts"],
    sequence: { sequencer: LongFirst },
    projects: [
      // One more than the machine has cores: browser tests wait more than they compute.
      project("all", { include: ["test/**/*.test.ts"], exclude: [...ALONE, ...WAITING], maxWorkers: 3 }, 0),
      project("waiting", { include: WAITING, maxWorkers: 4 }, 1),
      project("alone", { include: ALONE, maxWorkers: 1 }, 2),
    ],
  },
});

/** Projects of a higher order begin when those of a lower one are done. */
function project(
  name: string,
  test: { include: string[]; exclude?: string[]; maxWorkers: number },
  groupOrder: number,
) {
  return { extends: true as const, test: { name, ...test, sequence: { groupOrder } } };
}

function isLong({ moduleId }: TestSpecification): boolean {
  return LONG.some((path) => moduleId.includes(path));
}

function e2e(...names: string[]): string[] {
  return names.map((name) => `test/e2e/${name}.test.ts`);
}

function source(path: string): string {
  return fileURLToPath(new URL("src/", import.meta.url)) + path;
}
