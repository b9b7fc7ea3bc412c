import { useLayoutEffect, useRef } from "react";
import type { ReactNode } from "react";
import { copyText } from "./copy.ts";
import { createRenderer } from "./render.ts";
import type { Renderer } from "./render.ts";

/** Markdown while it arrives. Only what is new is read; finished blocks keep their nodes, so a token costs the same however
 *  long the text is, and a selection survives. */
export function Prose({ text, isOpen }: { text: string; isOpen: boolean }): ReactNode {
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ renderer: Renderer; text: string; isEnded: boolean }>(undefined);

  useLayoutEffect(() => {
    if (place.current === null) return;
    drawn.current ??= { renderer: createRenderer(place.current), text: "", isEnded: false };
    const now = drawn.current;
    // What is no longer the beginning, or goes on after its end, is drawn anew.
    if (!text.startsWith(now.text) || (now.isEnded && (isOpen || text.length > now.text.length))) {
      now.renderer.clear();
      Object.assign(now, { text: "", isEnded: false });
    }
    now.renderer.push(text.slice(now.text.length));
    now.text = text;
    if (!isOpen && !now.isEnded) {
      now.renderer.end();
      now.isEnded = true;
    }
    now.renderer.paint();
  }, [text, isOpen]);

  return (
    <div
      className="prose text"
      dir="auto"
      aria-busy={isOpen}
      ref={place}
      onClick={(event) => {
        const button = event.target instanceof Element ? event.target.closest(".code-copy") : null;
        const code = button?.closest(".code")?.querySelector("pre");
        if (button !== null && code !== null && code !== undefined)
          void copyText(code.textContent ?? "", button);
      }}
    />
  );
}
