import { useMemo } from "react";
import type { ReactNode } from "react";
import { liveOf } from "millrace/client/live";
import { useClient, useFeed } from "millrace/react";
import { BASE } from "../base.ts";
import { FigureTile } from "./figure-tile.tsx";
import { FIGURES, readFigures } from "./figures.ts";
import { Publish } from "./publish.tsx";
import { Wire } from "./wire.tsx";

const STREAM = "sys/server";
/** Five minutes. */
const SHOWN = { limit: 300 };

/** What the server says of itself, once a second. */
export function Operations(): ReactNode {
  const store = liveOf(useClient()).feed<object>(STREAM, SHOWN);
  const { events, status } = useFeed<object>(STREAM, SHOWN);
  const figures = useMemo(() => events.flatMap(({ event }) => readFigures(event) ?? []), [events]);
  const last = figures.at(-1);
  return (
    <>
      <div className="live-title">
        <h1>Operations</h1>
        {last !== undefined && (
          <p className="live-figures">
            <code>{new Date(last.at).toLocaleTimeString("en-GB")}</code>
          </p>
        )}
      </div>
      <section className="panel" aria-label="Figures">
        <Wire stream={STREAM} kind="log" store={store} />
        {last === undefined ? (
          status !== "loading" && (
            <p className="nothing">
              What the server does stands here, a second after it began to say so. <code>millrace serve</code>{" "}
              does; a library is asked with <code>publishesFigures</code>.
            </p>
          )
        ) : (
          <ul className="figure-tiles">
            {FIGURES.map((figure) => (
              <FigureTile key={figure.name} figure={figure} history={figures} />
            ))}
          </ul>
        )}
      </section>
      <Publish title="Read this with curl" commands={readCommand(location.origin + BASE)} />
      <p className="live-note">
        Names under <code>sys/</code> are the server’s: anybody may read them, and it alone writes them.
      </p>
    </>
  );
}

function readCommand(origin: string): string {
  return `curl -N '${origin}/v1/streams/${STREAM}?live=1&after=now'`;
}
