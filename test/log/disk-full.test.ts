import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { openLmdbLog } from "../../src/log/lmdb.ts";
import { LOG, NAME, event, readAll } from "./conformance/support.ts";

/** Appends until the disk refuses, then reads, and prints what it was promised. Run on what was built, where files may have at
 *  most 4 MiB: a full disk for whoever may not mount one. */
const SCRIPT = `
  import { openLmdbLog } from ${JSON.stringify(new URL("../../dist/log/lmdb.js", import.meta.url).href)};
  process.on("SIGXFSZ", () => {});
  const failures = [];
  process.on("unhandledRejection", (error) => failures.push(String(error)));
  const log = await openLmdbLog({ directory: process.argv[2] });
  const data = JSON.stringify({ text: "x".repeat(20000) });
  let promised = 0;
  const codes = new Set();
  for (let round = 0; round < 100; round++) {
    const appends = Array.from({ length: 8 }, () => log.append("tests/one", [{ data }], { create: { kind: "log" } }));
    for (const outcome of await Promise.allSettled(appends)) {
      if (outcome.status === "rejected") codes.add(outcome.reason.code);
      else if (outcome.value.status === "appended") promised = Math.max(promised, outcome.value.last);
    }
  }
  const page = await log.read("tests/one", promised - 1);
  const info = await log.info("tests/one");
  await new Promise((resolve) => setTimeout(resolve, 20));
  console.log(JSON.stringify({ promised, codes: [...codes], readable: page.entries.length, head: info.head, failures }));
  process.exit(0);
`;

test("a full disk refuses appends, keeps what was acknowledged, and is written again when there is room", async () => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-full-"));
  try {
    const command = `ulimit -f 4096; exec "${process.execPath}" --input-type=module - "${directory}"`;
    const child = spawnSync("bash", ["-c", command], { input: SCRIPT, encoding: "utf8", timeout: 100_000 });
    const report = JSON.parse(child.stdout) as {
      promised: number;
      codes: string[];
      readable: number;
      head: number;
      failures: string[];
    };
    expect(report.promised).toBeGreaterThan(10);
    expect(report).toMatchObject({ readable: 1, head: report.promised, failures: [] });
    expect(report.codes).toContain("log-full");
    expect(report.codes.filter((code) => code !== "log-full" && code !== "log-unavailable")).toEqual([]);

    const log = await openLmdbLog({ directory });
    const { entries } = await readAll(log);
    expect(entries).toHaveLength(report.promised);
    expect(await log.append(NAME, [event(1)], LOG)).toMatchObject({
      status: "appended",
      first: report.promised + 1,
    });
    await log.close();
  } finally {
    rmSync(directory, { recursive: true });
  }
});
