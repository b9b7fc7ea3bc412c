import { useEffect, useRef, useState } from "react";
import type { ReactNode } from "react";
import { liveOf } from "millrace/client/live";
import { useClient } from "millrace/react";
import { Publish } from "./publish.tsx";
import { RateChoice } from "./rate-choice.tsx";
import { createTickerBoard } from "./ticker-board.ts";
import { Wire } from "./wire.tsx";

const TICKER = "demo/ticker";

/** Recorded prices that move, as fast as one likes. React draws the frame around the board, never a price. */
export function Ticker(): ReactNode {
  const store = liveOf(useClient()).state<object>(TICKER);
  const board = useRef<HTMLDivElement>(null);
  const figures = useRef<HTMLElement>(null);
  const [isEmpty, setEmpty] = useState(false);
  useEffect(() => {
    if (board.current === null) return undefined;
    const { show, close } = createTickerBoard(board.current);
    const onChange = () => {
      const { entries, status } = store.getSnapshot();
      show(entries);
      setEmpty(status !== "loading" && entries.size === 0);
    };
    const stop = store.subscribe(onChange);
    onChange();
    return () => {
      stop();
      close();
    };
  }, [store]);
  useEffect(() => {
    let [before, frames] = [store.getSnapshot().received, 0];
    const onFrame = () => {
      frames += 1;
      frame = requestAnimationFrame(onFrame);
    };
    let frame = requestAnimationFrame(onFrame);
    const timer = setInterval(() => {
      const { received, entries } = store.getSnapshot();
      const text = `${count(entries.size)} symbols · ${count(received - before)} updates/s · ${frames} frames/s`;
      if (figures.current !== null) figures.current.textContent = text;
      [before, frames] = [received, 0];
    }, 1_000);
    return () => {
      clearInterval(timer);
      cancelAnimationFrame(frame);
    };
  }, [store]);
  return (
    <>
      <div className="live-title">
        <h1>Ticker</h1>
        <RateChoice />
      </div>
      <p className="live-note">
        One real share under many names: Apple’s closing prices from 2013 to 2018, as they were recorded.
        There is one share in the record, so each symbol replays it from another day on. Source: Yahoo
        Finance, in @observablehq/sample-datasets, ISC licence.
      </p>
      <Publish commands={priceCommand(location.origin)} isFolded />
      <section className="panel" aria-label="Prices">
        <Wire stream={TICKER} kind="state" store={store} />
        <p className="live-figures">
          <code ref={figures} />
        </p>
        {isEmpty && (
          <p className="nothing">
            No price comes. <code>npm start</code> plays the recorded ones; the command above publishes one.
          </p>
        )}
        <div className="ticks" ref={board} role="list" aria-label="Symbols" />
      </section>
    </>
  );
}

function count(value: number): string {
  return value.toLocaleString("en");
}

/** As the scoreboard's: first the table, then an event. */
function priceCommand(origin: string): string {
  const stream = `${origin}/v1/streams/${TICKER}`;
  const json = "-H 'Content-Type: application/json'";
  return [
    `curl -sX PUT ${stream} ${json} -d '{"kind":"state"}' &&`,
    `curl -sX POST ${stream} ${json} \\\n  -d '${JSON.stringify({ type: "price", key: "A.MINE", price: 42.5 })}'`,
  ].join("\n");
}
