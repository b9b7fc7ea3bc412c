import { expect, test } from "vitest";
import { createServer } from "../../src/server.ts";
import { launchBrowser } from "../support/browser.ts";
import { startDamagingProxy } from "../support/damaging-proxy.ts";
import { openLivePage } from "../support/live-page.ts";

test("a page that misses an event and gets another twice shows each once, and reports two numbers", async () => {
  const server = await createServer({ log: "memory" });
  const browser = await launchBrowser();
  const url = await server.listen(0);
  await using proxy = await startDamagingProxy(url, (block) => {
    if (block.includes("Is lost")) return "";
    return block.includes("Comes twice") ? block + block : block;
  });
  try {
    const { page, errors } = await openLivePage(browser, `${proxy.url}/live/notifications`);
    const reports: unknown[] = [];
    page.on("request", (request) => {
      if (request.url().endsWith("/v1/reports")) reports.push(request.postDataJSON());
    });
    const rows = page.locator(".live-main .notif-row");
    for (const title of ["Is first", "Is lost", "Comes twice", "Is last"]) {
      const body = JSON.stringify({ title, topic: "tries", at: 1 });
      const headers = { "content-type": "application/json" };
      await fetch(`${url}/v1/streams/notifications/local`, { method: "POST", headers, body });
      // The one that is lost is seen when the next one comes.
      if (title !== "Is lost") await rows.filter({ hasText: title }).first().waitFor();
    }
    await expect.poll(() => rows.count()).toBe(4);
    const metrics = async () => (await fetch(`${url}/metrics`)).text();
    await page.goto("about:blank");
    await expect.poll(metrics).toMatch(/^millrace_client_gaps_total 1$/m);
    await expect.poll(metrics).toMatch(/^millrace_client_doubles_total 1$/m);
    // Nothing but numbers, and no more often than once and when it was left.
    expect(reports.length).toBeLessThanOrEqual(2);
    for (const report of reports) expect(Object.keys(report as object)).toEqual(["gaps", "doubles"]);
    const looks = (await (await fetch(`${url}/v1/inspect`)).json()) as { reports: object[] };
    expect(looks.reports).not.toEqual([]);
    expect(errors).toEqual([]);
  } finally {
    await browser.close();
    await server.close();
  }
});
