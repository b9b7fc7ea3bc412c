import { startContestant } from "../contestants/index.mjs";
import { launchBrowser, readInTabs, readLongAnswer } from "../load/page.mjs";
import { runRounds } from "../rounds.mjs";

const SIZES = {
  full: { length: 50_000, rate: 200, window: 400, tabs: 5, tabLength: 4_000 },
  quick: { length: 50_000, rate: 200, window: 400, tabs: 5, tabLength: 4_000 },
  smoke: { length: 1_600, rate: 200, window: 100, tabs: 2, tabLength: 400 },
};
const THROTTLE = 4;

/** What an answer costs in the browser of who reads it. */
export default {
  name: "page",
  title: "The page: a 50,000-character answer at 200 tokens/s, the browser's CPU slowed down four times",
  contestants: ["millrace-page", "bare-page"],
  figures: [
    "longTasks",
    "longestTask",
    "frameP50",
    "frameP95",
    "tokenMillis",
    "lastTokenMillis",
    "costRatio",
    "lagP50",
    "lagP95",
  ],
  notes: [
    "The answer has headings, tables, code in four languages, formulas and lists. Long tasks (over 50 ms) and frames from one second after the first token; cost of a token: the main thread's task time over 400 tokens from the hundredth on, and at the end. Lag: how far the slowest of five tabs is behind the quickest, not slowed down. One round.",
    "Bare text is the control: a page of the same browser with nothing but a text node per event in a paragraph per line, and the end kept in sight. What it costs is Chromium's own here, drawn by software.",
  ],
  run(context) {
    const size = SIZES[context.size];
    // One lasts a minute.
    return runRounds({ ...context, rounds: 1, limitMs: 180_000 }, context.contestants, (contestant) =>
      runOnce(contestant, size, context),
    );
  },
};

async function runOnce(contestant, { tabs, tabLength, ...size }, { execArgv }) {
  const server = await startContestant(contestant, { execArgv });
  const url = `http://127.0.0.1:${server.port}/`;
  const browser = await launchBrowser();
  try {
    const alone = await readLongAnswer(browser, url, { ...size, throttle: THROTTLE });
    if (!contestant.keepsAnswers) return { [`${size.length} characters`]: alone };
    const shared = await readInTabs(browser, url, { length: tabLength, rate: size.rate, tabs });
    return { [`${size.length} characters`]: { ...alone, ...shared } };
  } finally {
    await browser.close();
    await server.stop("SIGTERM");
  }
}
