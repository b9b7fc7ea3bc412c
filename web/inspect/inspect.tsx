import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import "../live/live.css";
import "./inspect.css";
import { addressOf } from "../base.ts";
import { Act } from "./act.tsx";
import { WORDS, ask, span } from "./looks.ts";
import type { Gone, Looks, Reader, Run } from "./looks.ts";
import { StreamTimeline } from "./timeline.tsx";
import { useLook } from "./use-look.ts";

/** `/inspect`: who reads what and how far, who has gone and why, and what ran; with `?stream=` one stream over time. For whoever may
 *  read everything. */
export function Inspect(): ReactNode {
  const stream = new URLSearchParams(location.search).get("stream");
  useEffect(() => {
    document.title = `${stream ?? "Inspector"} · Millrace`;
  }, [stream]);

  return (
    <div className="live-shell">
      <header className="live-head">
        <a className="live-brand" href={addressOf("/")}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M2 12h20M9 4v4.5M9 15.5V20M15 4v4.5M15 15.5V20" />
          </svg>
          Millrace
        </a>
        <nav className="live-nav" aria-label="Inspector">
          <a href={addressOf("/inspect")} aria-current={stream === null ? "page" : undefined}>
            Inspector
          </a>
        </nav>
      </header>
      <main className="live-main inspect">
        {stream === null ? <Everything /> : <StreamTimeline stream={stream} />}
        <h2>Act</h2>
        <Act given={stream ?? ""} />
      </main>
    </div>
  );
}

function Everything(): ReactNode {
  const [find, setFind] = useState(() => new URLSearchParams(location.search).get("find") ?? "");
  const {
    found: looks,
    refusal,
    lookNow,
    refuse,
  } = useLook(() => ask(`/v1/inspect?find=${encodeURIComponent(find)}`) as Promise<Looks>, find);
  const act = (path: string) => void ask(path, "POST").then(lookNow, refuse);

  return (
    <>
      <h1>Inspector</h1>
      <p className="live-lead">
        Why did I not get it? Look for a stream, a run, a cursor or the id of a request; a stream's name opens
        what happened to it.
      </p>
      <div className="inspect-ask">
        <input
          type="search"
          aria-label="Find"
          placeholder="stream, run, cursor or X-Request-Id"
          value={find}
          onChange={({ target }) => setFind(target.value)}
        />
        {STREAM.test(find) && <a href={timelinePath(find)}>Open the stream {find}</a>}
      </div>
      {refusal !== "" && <p role="alert">{refusal}</p>}
      {looks !== undefined && (
        <>
          <Table
            title={`Readers (${looks.total})`}
            head={["Stream", "Cursor", "Lag", "State", "Sent", "Replayed", "Began", ""]}
          >
            {looks.readers.map((reader) => (
              <ReaderRow key={reader.id} reader={reader}>
                <td>{WORDS[reader.began]}</td>
                <td>
                  <button type="button" onClick={() => act(`/v1/inspect/readers/${reader.id}/cut`)}>
                    Cut
                  </button>
                </td>
              </ReaderRow>
            ))}
          </Table>
          <Table title="Runs" head={["Run", "Model", "First token", "Total", "Deltas", "End", ""]}>
            {looks.runs.map((run) => (
              <RunRow key={run.run} run={run} now={looks.at} onStop={() => act(`/v1/runs/${run.run}/stop`)} />
            ))}
          </Table>
          <Table
            title="Readers that have gone"
            head={["Stream", "Cursor", "Lag", "Stayed", "Sent", "Replayed", "Began", "Why it went"]}
          >
            {looks.gone.map((reader) => (
              <ReaderRow key={reader.id} reader={reader}>
                <td>{WORDS[reader.began]}</td>
                <td>{WORDS[reader.why]}</td>
              </ReaderRow>
            ))}
          </Table>
          <Table title="Reported by clients" head={["When", "Who", "Gaps", "Doubles"]}>
            {looks.reports.map(({ at, who, gaps, doubles, request }) => (
              <tr key={request} title={request}>
                <td>{new Date(at).toLocaleTimeString("en-GB")}</td>
                <td>{who}</td>
                <td>{gaps}</td>
                <td>{doubles}</td>
              </tr>
            ))}
          </Table>
        </>
      )}
    </>
  );
}

/** Source: PROTOCOL.md "Names". */
const STREAM = /^[A-Za-z0-9._~-]{1,64}(?:\/[A-Za-z0-9._~-]{1,64}){0,7}$/;

function timelinePath(stream: string): string {
  return addressOf(`/inspect?stream=${encodeURIComponent(stream)}`);
}

function Table({
  title,
  head,
  children,
}: {
  title: string;
  head: readonly string[];
  children: ReactNode[];
}): ReactNode {
  return (
    <section>
      <h2>{title}</h2>
      {children.length === 0 ? (
        <p className="nothing">None.</p>
      ) : (
        <div className="inspect-table" tabIndex={0} role="region" aria-label={title}>
          <table>
            <thead>
              <tr>
                {head.map((name) =>
                  name === "" ? (
                    <td key={name} />
                  ) : (
                    <th key={name} scope="col">
                      {name}
                    </th>
                  ),
                )}
              </tr>
            </thead>
            <tbody>{children}</tbody>
          </table>
        </div>
      )}
    </section>
  );
}

function ReaderRow({ reader, children }: { reader: Reader | Gone; children: ReactNode }): ReactNode {
  const state =
    "leftAt" in reader ? span(reader.leftAt - reader.cameAt) : `${reader.state} · ${reader.transport}`;
  return (
    <tr title={reader.request}>
      <td>
        {reader.streams.map(({ stream }) => (
          <StreamLink key={stream} stream={stream} />
        ))}
      </td>
      <td>
        {reader.streams.map(({ stream, cursor = "none" }) => (
          <code key={stream} className="inspect-stream">
            {cursor}
          </code>
        ))}
      </td>
      <td>{Math.max(0, ...reader.streams.map(({ lag }) => lag))}</td>
      <td>{state}</td>
      <td>{reader.bytes.toLocaleString("en")}</td>
      <td>{reader.replayedBytes.toLocaleString("en")}</td>
      {children}
    </tr>
  );
}

function RunRow({ run, now, onStop }: { run: Run; now: number; onStop: () => void }): ReactNode {
  return (
    <tr title={run.request}>
      <td>
        <a href={timelinePath(run.stream)}>
          <code>{run.run}</code>
        </a>
      </td>
      <td>{run.model}</td>
      <td>{run.firstAt === undefined ? "none yet" : span(run.firstAt - run.startedAt)}</td>
      <td>{span((run.endedAt ?? now) - run.startedAt)}</td>
      <td>{run.deltas}</td>
      <td>{run.error ?? run.reason ?? "open"}</td>
      <td>
        {run.endedAt === undefined && (
          <button type="button" onClick={onStop}>
            Stop
          </button>
        )}
      </td>
    </tr>
  );
}

function StreamLink({ stream }: { stream: string }): ReactNode {
  return (
    <a className="inspect-stream" href={timelinePath(stream)}>
      {stream}
    </a>
  );
}
