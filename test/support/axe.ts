import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { AxeResults } from "axe-core";
import type { Page } from "playwright-core";

const AXE = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

/** What axe finds wrong in a page that has come to rest, each with the first place where. */
export async function findViolations(page: Page): Promise<string[]> {
  // What is on its way from one colour or place to another has those of neither.
  await page.evaluate(() => {
    const moving = document
      .getAnimations()
      .filter((one) => one.playState === "running" && one.effect?.getComputedTiming().endTime !== Infinity);
    return Promise.allSettled(moving.map(({ finished }) => finished));
  });
  // Evaluated by the browser, not loaded by the page: its policy stays as it is.
  await page.evaluate(await readFile(AXE, "utf8"));
  const results = (await page.evaluate("axe.run(document, { resultTypes: ['violations'] })")) as AxeResults; // as it says
  return results.violations.map(({ id, help, nodes }) => `${id}: ${help} (${nodes[0]?.html ?? ""})`);
}
