import { expect, test } from "vitest";
import { countNews } from "../../web/news.ts";

test("words are counted once, however the text is cut, and one that goes on counts at its end", () => {
  const text = "one two  three\nfour five";
  for (let cut = 1; cut < text.length; cut++) {
    const first = countNews({ at: 0, words: 0 }, text.slice(0, cut));
    expect(countNews(first, text).words).toBe(4);
    expect(countNews(countNews(first, text), `${text} `).words).toBe(5);
  }
});
