import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { openLmdbLog } from "../../src/log/lmdb.ts";
import { resolveCursor } from "../../src/protocol/cursor.ts";
import { describeLog } from "./conformance.ts";
import { LOG, NAME, event, readNumbers } from "./conformance/support.ts";

describeLog("a log in LMDB", async (options) => {
  const directory = mkdtempSync(join(tmpdir(), "millrace-log-"));
  let log = await openLmdbLog({ directory, ...options });
  return {
    log,
    async reopen() {
      await log.close();
      log = await openLmdbLog({ directory, ...options });
      return log;
    },
    async dispose() {
      await log.close();
      rmSync(directory, { recursive: true });
    },
  };
});

describe("a data folder", () => {
  let directory = "";
  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "millrace-folder-"));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function change(members: object): void {
    const path = join(directory, "format.json");
    writeFileSync(
      path,
      JSON.stringify({ ...(JSON.parse(readFileSync(path, "utf8")) as object), ...members }),
    );
  }

  test("is refused while another process owns it, with that one's address, and free at once after SIGKILL", async () => {
    const script = `
      const { openSync } = require("node:fs");
      require("fs-native-extensions").tryLock(openSync(${JSON.stringify(join(directory, "owner.lock"))}, "a+"), { exclusive: true });
      console.log("taken");
      setInterval(() => {}, 1000);`;
    const owner = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    await once(owner.stdout, "data");
    writeFileSync(
      join(directory, "server.json"),
      JSON.stringify({ pid: owner.pid, url: "http://127.0.0.1:4000" }),
    );
    await expect(openLmdbLog({ directory })).rejects.toThrow(
      `is in use by process ${owner.pid} at http://127.0.0.1:4000`,
    );
    owner.kill("SIGKILL");
    await once(owner, "exit");
    const log = await openLmdbLog({ directory });
    await log.close();
  });

  test("of another format is refused with a sentence", async () => {
    await (await openLmdbLog({ directory })).close();
    change({ format: 99 });
    await expect(openLmdbLog({ directory })).rejects.toThrow(
      "has format 99; this version of Millrace reads format 1",
    );
  });

  test("opens a new epoch after the machine ended uncleanly, and honours what was committed before it", async () => {
    let log = await openLmdbLog({ directory });
    await log.append(NAME, [event(1), event(2)], LOG);
    const before = await log.info(NAME);
    await log.close();
    change({ isClean: false, bootId: "another" });
    log = await openLmdbLog({ directory });
    const after = await log.info(NAME);
    expect(after?.epochs).toEqual([
      before?.epochs[0],
      { epoch: expect.stringMatching(/^[0-9a-z]{8,10}$/), from: 3 },
    ]);
    await log.append(NAME, [event(3)]);
    const epoch = before?.epochs[0]?.epoch ?? "";
    const range = (await log.info(NAME)) ?? { epochs: [], floor: 0, head: 0 };
    expect(resolveCursor(range, { epoch, offset: 2 })).toEqual({ status: "honoured", after: 2 });
    // This one was seen by a reader, and lost by the disk.
    expect(resolveCursor(range, { epoch, offset: 3 })).toMatchObject({
      status: "reset",
      reason: "beyond-head",
    });
    await log.close();
    log = await openLmdbLog({ directory });
    expect(await log.info(NAME)).toEqual(range);
    await log.close();
  });

  test("keeps its epochs after a process was killed", async () => {
    let log = await openLmdbLog({ directory });
    await log.append(NAME, [event(1)], LOG);
    const before = await log.info(NAME);
    await log.close();
    change({ isClean: false });
    log = await openLmdbLog({ directory });
    expect(await log.info(NAME)).toEqual(before);
    expect(await readNumbers(log)).toEqual([1]);
    await log.close();
  });
});
