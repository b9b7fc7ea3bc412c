/** The picture of examples/transports, after its wires were cut. */
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runnerImport } from "vite";
import { ROOT } from "./tool.mjs";

const NAME = "transports-light";
/** How long the feed runs before the cut. */
const PAST_MS = 5_000;

/** Takes the picture into a folder; `wanted`: names, none is all. */
export async function takeTransportsPicture({ browser, folder, wanted }) {
  if (wanted.length > 0 && !wanted.includes(NAME)) return;
  // Node 20 does not read types away.
  const { module } = await runnerImport(join(ROOT, "examples/transports/server.ts"), { configFile: false });
  const server = await module.serve(0);
  const context = await browser.newContext({ viewport: { width: 1200, height: 640 }, colorScheme: "light" });
  try {
    const page = await context.newPage();
    await page.goto(server.url);
    await sleep(PAST_MS);
    await page.click("#cut");
    await page.getByRole("status").filter({ hasText: "All are back" }).waitFor();
    await page.screenshot({ path: join(folder, `${NAME}.png`) });
    console.log(`${NAME}.png`);
  } finally {
    await context.close();
    await server.close();
  }
}
