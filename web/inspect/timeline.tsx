import { useState } from "react";
import type { ReactNode } from "react";
import { boundsOf, lanesOf } from "./lanes.ts";
import type { Lane } from "./lanes.ts";
import { ask, span } from "./looks.ts";
import type { Timeline } from "./looks.ts";
import { useLook } from "./use-look.ts";

const RANGES = [
  { ms: 60_000, name: "the last minute" },
  { ms: 600_000, name: "the last 10 minutes" },
  { ms: 3_600_000, name: "the last hour" },
  { ms: Infinity, name: "all of it" },
];
/** What is shown at first goes no further back than this, unless all of it is older. */
const NEAR_MS = 600_000;
const MIN_MS = 1_000;

/** One stream over time: who wrote it, who read it, what was replayed and what was live, who was away and why. */
export function StreamTimeline({ stream }: { stream: string }): ReactNode {
  const { found, refusal } = useLook(() => ask(`/v1/inspect/streams/${stream}`) as Promise<Timeline>, stream);
  const [range, setRange] = useState<number>();
  const [sought, setSought] = useState("");
  const lanes = found && lanesOf(found, /^\d{1,15}$/.test(sought) ? Number(sought) : undefined);
  const view = found && lanes && viewOf(lanes, found.at, range);

  return (
    <>
      <h1 className="inspect-name">{stream}</h1>
      <p className="live-lead">
        Who wrote it, who read it, and what came in between. On this node, since it was started.
      </p>
      <div className="inspect-ask">
        <label>
          What became of event{" "}
          <input
            inputMode="numeric"
            value={sought}
            onChange={({ target }) => setSought(target.value)}
            placeholder="12"
          />
        </label>
        <label>
          Show{" "}
          <select
            value={range ?? view?.range ?? Infinity}
            onChange={({ target }) => setRange(Number(target.value))}
          >
            {RANGES.map(({ ms, name }) => (
              <option key={ms} value={ms}>
                {name}
              </option>
            ))}
          </select>
        </label>
      </div>
      {refusal !== "" && <p role="alert">{refusal}</p>}
      {lanes && view && (
        <>
          <ol className="lanes">
            {lanes.map((lane) => (
              <LaneLine key={lane.id} lane={lane} {...view} />
            ))}
          </ol>
          <p className="lanes-axis">
            <time>{clock(view.from)}</time>
            <span>{span(view.to - view.from)}</span>
            <time>{clock(view.to)}</time>
          </p>
          <Key />
        </>
      )}
    </>
  );
}

interface View {
  from: number;
  to: number;
}

function LaneLine({ lane, from, to }: View & { lane: Lane }): ReactNode {
  const x = (at: number) => Math.min(100, Math.max(0, ((at - from) / (to - from)) * 100));
  return (
    <li className="lane" data-kind={lane.kind}>
      <h2>{lane.name}</h2>
      <svg className="lane-line" aria-hidden="true">
        {lane.stretches
          .filter((one) => one.to >= from && one.from <= to)
          .map((one) => (
            <rect
              key={`${one.tone} ${one.from}`}
              data-tone={one.tone}
              x={`${x(one.from)}%`}
              // What was short is seen, too.
              width={`${Math.max(0.4, x(one.to) - x(one.from))}%`}
              y={one.tone === "away" ? 9 : 6}
              height={one.tone === "away" ? 2 : 8}
            />
          ))}
        {lane.marks
          .filter(({ at }) => at >= from && at <= to)
          .map(({ at, tone }, index) => (
            <svg key={`${tone} ${at} ${index}`} x={`${x(at)}%`} className="lane-mark" data-tone={tone}>
              {tone === "event" && <path d="M0 3v14" />}
              {tone === "end" && <path d="M-4 6h8v8h-8z" />}
              {tone === "wait" && <path d="M-4 10 0 5 4 10 0 15z" />}
              {tone === "broken" && <path d="M-4 6l8 8M4 6l-8 8" />}
            </svg>
          ))}
      </svg>
      <p>{lane.words}</p>
    </li>
  );
}

const KEY: readonly { tone: string; words: string }[] = [
  { tone: "replay", words: "replayed" },
  { tone: "live", words: "live now" },
  { tone: "past", words: "was live" },
  { tone: "wait", words: "waiting" },
  { tone: "away", words: "away" },
];

function Key(): ReactNode {
  return (
    <ul className="lanes-key">
      {KEY.map(({ tone, words }) => (
        <li key={tone}>
          <svg className="lane-line" aria-hidden="true">
            <rect
              data-tone={tone}
              width="100%"
              y={tone === "away" ? 9 : 6}
              height={tone === "away" ? 2 : 8}
            />
          </svg>
          {words}
        </li>
      ))}
      <li>■ ended · × cut or refused · ◆ closed by the server, to come back</li>
    </ul>
  );
}

/** What is looked at: what was chosen, else as much of the near past as there is something in. */
function viewOf(
  lanes: readonly Lane[],
  now: number,
  chosen: number | undefined,
): (View & { range: number }) | undefined {
  const bounds = boundsOf(lanes);
  if (bounds === undefined) return undefined;
  const isNear = bounds.to > now - NEAR_MS;
  const wanted = isNear ? Math.min(now - bounds.from, NEAR_MS) : Infinity;
  const range = chosen ?? RANGES.find(({ ms }) => ms >= wanted)?.ms ?? Infinity;
  const to = range === Infinity && !isNear ? bounds.to : now;
  const from = Math.max(to - range, bounds.from);
  return { from: Math.min(from, to - MIN_MS), to, range };
}

function clock(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}
