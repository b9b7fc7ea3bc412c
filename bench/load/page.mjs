import { chromium } from "playwright-core";
import { percentile } from "../measure.mjs";

/** Debian's, as the tests start it. */
export function launchBrowser() {
  return chromium.launch({
    executablePath: "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-background-networking",
      "--disable-sync",
    ],
  });
}

/** Reads one long answer in one page and says what its tokens cost there.
 *  `window`: over so many tokens a cost is taken, from the hundredth on and at the end. */
export async function readLongAnswer(browser, url, { length, rate, throttle, window }) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 } });
  try {
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send("Performance.enable");
    await page.goto(url);
    await page.locator("#prompt").waitFor();
    await cdp.send("Emulation.setCPUThrottlingRate", { rate: throttle });
    await page.evaluate(watch);
    await page.fill("#prompt", `length=${length} rate=${rate}`);
    await page.locator("#prompt").press("Enter");
    await page.locator(".prose > *").first().waitFor();
    const begun = performance.now();
    const tokens = Math.ceil(length / 4);
    const spent = async (from, to) => {
      await until(begun + (from * 1_000) / rate);
      const before = await taskSeconds(cdp);
      await until(begun + (to * 1_000) / rate);
      return ((await taskSeconds(cdp)) - before) / (to - from);
    };
    const early = await spent(100, 100 + window);
    // The very last ones hold what the end itself costs: formulas and colours that are still to come.
    const late = await spent(tokens - window - rate / 4, tokens - rate / 4);
    await page.locator('.answer[data-state="ended"]').waitFor({ timeout: 60_000 });
    const { frames, tasks, firstAt } = await page.evaluate("globalThis.watched");
    const settled = tasks.filter(({ at }) => at > firstAt + 1_000);
    return {
      longTasks: settled.filter(({ ms }) => ms > 50).length,
      longestTask: Math.max(0, ...settled.map(({ ms }) => ms)),
      frameP50: percentile(frames, 0.5),
      frameP95: percentile(frames, 0.95),
      tokenMillis: early * 1_000,
      lastTokenMillis: late * 1_000,
      costRatio: late / early,
    };
  } finally {
    await context.close();
  }
}

/** Reads one answer in several tabs and says how far the slowest is behind the quickest, in milliseconds. */
export async function readInTabs(browser, url, { length, rate, tabs }) {
  const context = await browser.newContext();
  try {
    const first = await context.newPage();
    await first.goto(url);
    await first.locator("#prompt").waitFor();
    await first.fill("#prompt", "length=40 rate=200");
    await first.locator("#prompt").press("Enter");
    await first.locator('.answer[data-state="ended"]').waitFor();
    const pages = [first];
    while (pages.length < tabs) {
      const page = await context.newPage();
      await page.goto(first.url());
      await page.locator('.answer[data-state="ended"]').waitFor();
      pages.push(page);
    }
    for (const page of pages) await page.evaluate(trace);
    await first.fill("#prompt", `length=${length} rate=${rate}`);
    await first.locator("#prompt").press("Enter");
    for (const page of pages) {
      await page.locator(".answer").nth(1).waitFor();
      await page.locator('.answer[data-state="ended"]').nth(1).waitFor({ timeout: 60_000 });
    }
    const traces = await Promise.all(pages.map((page) => page.evaluate("globalThis.traced")));
    const lags = [];
    for (const { length: shown } of traces[0]) {
      const times = traces.map((each) => each.find((one) => one.length >= shown)?.at ?? Infinity);
      lags.push(Math.max(...times) - Math.min(...times));
    }
    return { lagP50: percentile(lags, 0.5), lagP95: percentile(lags, 0.95) };
  } finally {
    await context.close();
  }
}

/** In the page: notes each frame and each long task from the first token on. */
function watch() {
  const watched = { frames: [], tasks: [], firstAt: Infinity };
  globalThis.watched = watched;
  new PerformanceObserver((list) => {
    for (const { startTime, duration } of list.getEntries())
      watched.tasks.push({ at: startTime, ms: duration });
  }).observe({ type: "longtask" });
  let last;
  const look = (now) => {
    if (watched.firstAt === Infinity && document.querySelector(".prose > *")) watched.firstAt = now;
    if (now > watched.firstAt + 1_000 && last !== undefined) watched.frames.push(now - last);
    last = now;
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}

/** In the page: notes when the second answer has which length. */
function trace() {
  const traced = [];
  globalThis.traced = traced;
  new MutationObserver(() => {
    const length = document.querySelectorAll(".prose")[1]?.textContent.length ?? 0;
    if (length > (traced.at(-1)?.length ?? 0)) traced.push({ at: Date.now(), length });
  }).observe(document.body, { childList: true, characterData: true, subtree: true });
}

async function taskSeconds(cdp) {
  const { metrics } = await cdp.send("Performance.getMetrics");
  return metrics.find(({ name }) => name === "TaskDuration").value;
}

function until(at) {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, at - performance.now())));
}
