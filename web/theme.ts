import { createKept } from "./kept.ts";

/** How the page looks: as the system does, unless a person has chosen. */
export type Theme = "system" | "light" | "dark";

export const keptTheme = createKept("theme");

export function readTheme(text: string | undefined): Theme {
  return text === "light" || text === "dark" ? text : "system";
}

export function chooseTheme(theme: Theme): void {
  keptTheme.set(theme === "system" ? undefined : theme);
}

/** Lets the page look as it was chosen, from now on. The colours themselves stand in theme.css. */
export function followTheme(): void {
  const metas = [...document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]')];
  const [light = "", dark = ""] = metas.map(({ content }) => content);
  const apply = () => {
    const theme = readTheme(keptTheme.get());
    document.documentElement.dataset["theme"] = theme;
    // The browser's own bars follow the system, each by its media query, unless both say the same.
    for (const meta of metas) {
      const own = meta.media.includes("dark") ? dark : light;
      meta.content = theme === "light" ? light : theme === "dark" ? dark : own;
    }
  };
  apply();
  keptTheme.subscribe(apply);
}
