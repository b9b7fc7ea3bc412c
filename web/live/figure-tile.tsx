import { useEffect, useMemo, useRef } from "react";
import type { ReactNode } from "react";
import type { Figures } from "millrace/protocol";
import type { Figure } from "./figures.ts";
import { drawSparkline } from "./sparkline.ts";

const LINE_HEIGHT = 36;
const MARGIN = 3;

/** One figure: what it is at, how it went, and the most that it was. */
export function FigureTile({ figure, history }: { figure: Figure; history: readonly Figures[] }): ReactNode {
  const { name, line, read, say } = figure;
  const values = useMemo(() => history.flatMap((one) => read(one) ?? []), [history, read]);
  const last = values.at(-1);
  const said = last === undefined ? undefined : say(last);
  const most = values.length === 0 ? undefined : say(Math.max(...values));
  return (
    <li className="figure">
      <div className="figure-head">
        <h2>{name}</h2>
        {most !== undefined && (
          <code>
            max {most.value}
            {most.unit}
          </code>
        )}
      </div>
      <p className="figure-value">
        {said?.value ?? "–"}
        <span>{said?.unit}</span>
      </p>
      <Line values={values} />
      <p className="figure-foot">{line}</p>
    </li>
  );
}

function Line({ values }: { values: readonly number[] }): ReactNode {
  const canvas = useRef<HTMLCanvasElement>(null);
  useEffect(() => {
    const element = canvas.current;
    if (element === null) return undefined;
    const draw = () => {
      const width = element.clientWidth;
      element.width = Math.round(width * devicePixelRatio);
      element.height = Math.round(LINE_HEIGHT * devicePixelRatio);
      const context = element.getContext("2d");
      if (context === null) return;
      context.scale(devicePixelRatio, devicePixelRatio);
      context.lineWidth = 1.25;
      const style = getComputedStyle(element);
      const colours = { line: style.getPropertyValue("--muted"), head: style.getPropertyValue("--current") };
      const box = { x: 0, y: MARGIN, width: width - MARGIN, height: LINE_HEIGHT - 2 * MARGIN };
      drawSparkline(context, values, box, colours);
    };
    draw();
    const sizing = new ResizeObserver(draw);
    sizing.observe(element);
    return () => sizing.disconnect();
  }, [values]);
  return <canvas className="figure-line" ref={canvas} aria-hidden="true" />;
}
