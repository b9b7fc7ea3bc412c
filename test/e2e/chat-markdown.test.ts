import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { launchBrowser } from "../support/browser.ts";
import { longMarkdown } from "../support/long-markdown.ts";
import { askTold, openChatPage, startToldServer, untilAnswered } from "../support/markdown-page.ts";
import type { ToldServer } from "../support/markdown-page.ts";

let browser: Browser;
let told: ToldServer;
beforeAll(async () => {
  [browser, told] = await Promise.all([launchBrowser(), startToldServer()]);
});
afterAll(async () => {
  await browser.close();
  await told[Symbol.asyncDispose]();
});

const WHOLE = `## A *title*

Text with **strong**, ~~struck~~, \`code\`, https://example.org and ![a picture](https://example.org/x.png).

- [x] done
- [ ] to do

1. one

   a paragraph

   \`\`\`ts
   const x: number = 1;
   \`\`\`
   - inner
     - innermost
2. two

> ## Quoted
> - item

| l | c | r |
|:--|:-:|--:|
| 1 | 2 | 3 |

Inline $x^2$ and \\(y_1\\), for $5 and $6.

$$
\\int_0^1 x \\, dx
$$

$$
\\undefined{
$$

\`\`\`python
def f(a):
    """a text
    of two lines"""
    return a  # yes
\`\`\`
`;

test("an answer has tables, nested lists, tasks, quotes, code with colours, and formulas", async () => {
  const { page, errors, strays } = await openChatPage(browser, told.server.url);
  told.tell(WHOLE);
  await askTold(page);
  await untilAnswered(page);
  const prose = page.locator(".prose");
  const count = (selector: string) => prose.locator(selector).count();
  await expect.poll(() => count(".math.is-drawn .katex")).toBe(3);
  expect(await prose.locator(".math.is-source").allInnerTexts()).toEqual(["\\undefined{"]);
  expect(await prose.innerText()).toContain("for $5 and $6.");
  expect(await count(".math.is-display .katex-display")).toBe(1);
  expect(await count("h2 > em, p > strong, p > del, p > code")).toBe(4);
  expect(await count("img, input")).toBe(0);
  expect(await prose.locator("p > a").allInnerTexts()).toEqual(["https://example.org", "a picture"]);
  expect(await count('li.task [role="img"]')).toBe(2);
  expect(await count("ol > li > p")).toBe(3);
  expect(await count("ol > li > .code")).toBe(1);
  expect(await count("ol > li > ul > li > ul > li")).toBe(1);
  expect(await count("blockquote > h2, blockquote > ul > li")).toBe(2);
  expect(await count("td.is-left, td.is-center, td.is-right")).toBe(3);
  await expect.poll(() => count(".code .is-keyword")).toBeGreaterThanOrEqual(3);
  expect(await prose.locator(".code .is-string").allInnerTexts()).toEqual([
    '"""a text',
    '    of two lines"""',
  ]);
  expect(
    await prose
      .locator(".code pre")
      .last()
      .evaluate((pre) => pre.textContent),
  ).toBe('def f(a):\n    """a text\n    of two lines"""\n    return a  # yes');
  expect({ errors, strays }).toEqual({ errors: [], strays: [] });
  await page.context().close();
});

test("nothing of a hostile prompt or answer runs, and nothing loads from elsewhere", async () => {
  const { page, errors, strays } = await openChatPage(browser, told.server.url);
  const hostile = [
    "<script>window.hit = 1</script><img src=x onerror='window.hit = 2'>",
    "<iframe src='https://evil.example/'></iframe><style>body{display:none}</style>",
    "[a](javascript:window.hit=3) [b](java\tscript:window.hit=4) [c](data:text/html,<script>window.hit=5</script>)",
    "![d](https://evil.example/d.png) ![e](data:image/svg+xml,<svg/onload=window.hit=6>) <javascript:window.hit=7>",
    '[f](https://evil.example/" onmouseover="window.hit=8)',
    "| <img src=https://evil.example/g.png onerror=window.hit=9> |\n|---|\n| <b onclick=window.hit=10>x</b> |",
    "```html\n<script>window.hit = 11</script>\n```",
    '```"><img/src=x/onerror=window.hit=12>\nx\n```',
    "$\\href{javascript:window.hit=13}{x}$ $\\includegraphics{https://evil.example/h.png}$ $\\htmlStyle{color:red}{y}$",
    "$$\n\\url{javascript:window.hit=14}\n$$",
  ].join("\n\n");
  told.tell(hostile);
  await askTold(page, `Say this: ${hostile}`);
  await untilAnswered(page);
  await page.locator(".katex").first().waitFor();
  const state = await page.evaluate(() => ({
    hit: (globalThis as { hit?: number }).hit,
    scripts: document.querySelectorAll("main script, main img, main iframe, main style, main object").length,
    handlers: [...document.querySelectorAll("main *")].flatMap((element) =>
      [...element.attributes].filter(({ name }) => name.startsWith("on")),
    ).length,
    schemes: [...document.querySelectorAll<HTMLAnchorElement>("main a[href]")].map(
      ({ protocol }) => protocol,
    ),
  }));
  expect(state.hit).toBeUndefined();
  expect(state.scripts + state.handlers).toBe(0);
  expect(new Set(state.schemes)).toEqual(new Set(["https:"]));
  expect(await page.locator(".prose").innerText()).toContain("<script>window.hit = 1</script>");
  // The policy is the second wall: markup that were made of an answer could not run either.
  const policy = await page.evaluate(async () => {
    const refused: string[] = [];
    document.addEventListener("securitypolicyviolation", ({ effectiveDirective }) => {
      refused.push(effectiveDirective);
    });
    const place = document.createElement("div");
    document.body.append(place);
    place.innerHTML = `<img src=x onerror="window.hit = 20"><p style="color:red"><iframe src="https://evil.example/"></iframe>`;
    const script = document.createElement("script");
    script.textContent = "window.hit = 21";
    place.append(script);
    const image = new Image();
    image.src = "https://evil.example/i.png";
    // Each kind of them, or as long as one may have to wait for it.
    for (const end = Date.now() + 10_000; new Set(refused).size < 5 && Date.now() < end;)
      await new Promise((resolve) => requestAnimationFrame(resolve));
    place.remove();
    return { hit: (globalThis as { hit?: number }).hit, refused: [...new Set(refused)].sort() };
  });
  expect(policy.hit).toBeUndefined();
  expect(policy.refused).toEqual(
    ["frame-src", "img-src", "script-src-attr", "script-src-elem", "style-src-attr"].sort(),
  );
  const ours = errors.filter((text) => !/Content Security Policy|Failed to load resource/.test(text));
  expect({ ours, strays: strays.filter((url) => !url.includes("evil.example/i.png")) }).toEqual({
    ours: [],
    strays: [],
  });
  await page.context().close();
});

/** Looks after each change of the answer: raw marks, nodes that went away, code that lost its colours, and how often the
 *  live regions spoke. */
async function watch(page: Page): Promise<void> {
  await page.evaluate(() => {
    const seen = { raw: [] as string[], lostColours: 0, announcements: 0, frames: 0, heads: 0 };
    Object.assign(globalThis, { seen });
    const status = document.querySelector("#status");
    if (status !== null) {
      new MutationObserver(() => (seen.announcements += 1)).observe(status, {
        childList: true,
        characterData: true,
        subtree: true,
      });
    }
    const coloured = new WeakMap<Element, number>();
    const look = () => {
      const prose = document.querySelector(".prose");
      const blocks = [...(prose?.querySelectorAll(".part > *") ?? [])];
      // What has come to stay is marked, the last block excepted: it may be the open one.
      for (const block of blocks.slice(0, -1)) Object.assign(block, { isMarked: true });
      const text = blocks.at(-1)?.textContent ?? "";
      if (/\*\*|```|~~|^#|^\|/.test(text) && !text.startsWith("Quoted")) seen.raw.push(text.slice(0, 80));
      for (const code of document.querySelectorAll(".prose .code code")) {
        const colours = code.querySelectorAll("span").length;
        if (colours < (coloured.get(code) ?? 0)) seen.lostColours += 1;
        coloured.set(code, colours);
      }
      // Where it is written: at one place.
      seen.heads = Math.max(seen.heads, document.querySelectorAll(".prose .is-head").length);
      seen.frames += 1;
      requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
  });
}

test("finished blocks keep their nodes, no raw mark is shown, and colours stay", async () => {
  const { page, errors } = await openChatPage(browser, told.server.url);
  // The first answer makes the chat, so that the watched one is the second.
  told.tell("Hello.");
  await askTold(page);
  await untilAnswered(page);
  await page.evaluate(() => document.querySelector("article.answer")?.remove());
  await page.goto(told.server.url);
  await watch(page);
  const text = longMarkdown(6000);
  told.tell(text, { rate: 400 });
  await askTold(page, "Long");
  await untilAnswered(page);
  const seen = await page.evaluate(async () => {
    // The last frame has been looked at, too.
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const blocks = [...document.querySelectorAll(".part > *")];
    return {
      ...(
        globalThis as unknown as {
          seen: { raw: string[]; lostColours: number; announcements: number; heads: number };
        }
      ).seen,
      headsLeft: document.querySelectorAll(".prose .is-head").length,
      blocks: blocks.length,
      marked: blocks.filter((block) => "isMarked" in block).length,
      regions: document.querySelectorAll(
        '.answer [aria-live], .answer[aria-live], .answer [role="log"], .answer [role="status"]',
      ).length,
    };
  });
  expect(seen.raw).toEqual([]);
  expect(seen.lostColours).toBe(0);
  expect(seen).toMatchObject({ heads: 1, headsLeft: 0 });
  expect(seen.blocks).toBeGreaterThan(40);
  expect(seen.marked).toBe(seen.blocks - 1);
  expect(seen.announcements).toBeLessThanOrEqual(3);
  expect(seen.regions).toBe(0);
  expect(errors).toEqual([]);
  await page.context().close();
});

test("what stands below an answer comes when its last words are drawn, not in one task with them", async () => {
  const { page } = await openChatPage(browser, told.server.url);
  told.tell("Some words, and then it is stopped.", { hangAfter: 5 });
  await askTold(page);
  await page.locator(".prose .is-head").waitFor();
  await page.evaluate(() => {
    const changed: string[] = [];
    Object.assign(globalThis, { changed });
    new MutationObserver((records) => {
      const places = records.flatMap(({ target, addedNodes }) => [
        ...(target.parentElement?.closest(".prose") ? ["prose"] : []),
        ...([...addedNodes].some((node) => node instanceof Element && node.matches(".foot")) ? ["foot"] : []),
      ]);
      changed.push([...new Set(places)].join(" and "));
    }).observe(document.body, { attributes: true, characterData: true, childList: true, subtree: true });
  });
  await page.keyboard.press("Escape");
  await untilAnswered(page);
  const changed = await page.evaluate(() => (globalThis as unknown as { changed: string[] }).changed);
  expect(changed.filter((places) => /foot/.test(places))).toEqual(["foot"]);
  // The caret goes with the last words.
  expect(changed).toContain("prose");
  await page.context().close();
});

test.each([
  { name: "of 200,000 characters", text: longMarkdown(200_000), shows: "Part 200" },
  {
    name: "whose fence never closes",
    text: `\`\`\`ts\n${"const a = 1;\n".repeat(4000)}const last`,
    shows: "const last",
  },
])("an answer $name is shown whole, and again after a reload", async ({ text, shows }) => {
  const { page, errors } = await openChatPage(browser, told.server.url);
  told.tell(text, { perWrite: 20 });
  await askTold(page, "Long");
  await untilAnswered(page);
  const blocks = () => page.locator(".part > *").count();
  const written = await blocks();
  expect(await page.locator(".prose").evaluate((prose) => prose.textContent)).toContain(shows);
  await page.reload();
  await untilAnswered(page);
  await expect.poll(blocks).toBe(written);
  expect(await page.locator(".prose").evaluate((prose) => prose.textContent)).toContain(shows);
  expect(errors).toEqual([]);
  await page.context().close();
});
