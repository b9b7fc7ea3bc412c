import { useEffect } from "react";

/** Puts a count in front of the page's title, whatever else the page writes there. A page with a count of its own keeps that. */
export function useCountInTitle(count: string): void {
  useEffect(() => {
    const title = document.querySelector("title");
    if (count === "" || title === null) return undefined;
    const prefix = `(${count}) `;
    const show = () => {
      if (!document.title.startsWith("(")) document.title = prefix + document.title;
    };
    show();
    const observer = new MutationObserver(show);
    observer.observe(title, { childList: true, characterData: true, subtree: true });
    return () => {
      observer.disconnect();
      if (document.title.startsWith(prefix)) document.title = document.title.slice(prefix.length);
    };
  }, [count]);
}
