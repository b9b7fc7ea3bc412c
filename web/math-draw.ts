import katex from "katex";
import "katex/dist/katex.min.css";

/** Draws TeX as nodes: no markup is parsed, no address is followed, and nothing is loaded but our own fonts. Undefined: it is not
 *  TeX that KaTeX knows. */
export function drawMath(source: string, isDisplay: boolean): Node[] | undefined {
  const drawn = document.createElement("span");
  try {
    katex.render(source, drawn, {
      displayMode: isDisplay,
      trust: false,
      strict: false,
      maxExpand: 500,
      maxSize: 40,
    });
    return [...drawn.childNodes];
  } catch {
    return undefined;
  }
}
