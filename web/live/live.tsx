import { useLayoutEffect } from "react";
import type { ReactNode } from "react";
import "./live.css";
import { addressOf } from "../base.ts";
import { Bell } from "../bell.tsx";
import { KeepScore } from "./keep-score.tsx";
import { Notifications } from "./notifications.tsx";
import { Operations } from "./operations.tsx";
import { PLACES, onLiveLink, usePath } from "./place.ts";
import { Scoreboard } from "./scoreboard.tsx";
import { Support } from "./support/support.tsx";
import { Ticker } from "./ticker.tsx";

/** Everything under `/live`: what stands on each page, and the page itself. */
export function Live(): ReactNode {
  const path = usePath();
  const place = PLACES.find((one) => path.startsWith(one.path));
  // Before the effects of the page below, which may know a better title.
  useLayoutEffect(() => {
    document.title = `${place?.name ?? "Live feeds"} · Millrace`;
  }, [place]);
  return (
    <div className="live-shell">
      <header className="live-head">
        <a className="live-brand" href={addressOf("/")}>
          <svg viewBox="0 0 24 24" aria-hidden="true">
            <path d="M2 12h20M9 4v4.5M9 15.5V20M15 4v4.5M15 15.5V20" />
          </svg>
          Millrace
        </a>
        <nav className="live-nav" aria-label="Live feeds">
          {[{ path: "/live", name: "Live feeds" }, ...PLACES].map((one) => (
            <a
              key={one.path}
              href={addressOf(one.path)}
              onClick={onLiveLink}
              aria-current={one.path === (place?.path ?? "/live") ? "page" : undefined}
            >
              {one.name}
            </a>
          ))}
        </nav>
        <Bell />
      </header>
      <main className="live-main">{pageAt(path)}</main>
    </div>
  );
}

function pageAt(path: string): ReactNode {
  if (/^\/live\/support(?:\/|$)/.test(path)) return <Support path={path} />;
  switch (path) {
    case "/live/notifications":
      return <Notifications />;
    case "/live/scoreboard":
      return <Scoreboard />;
    case "/live/scoreboard/keep":
      return <KeepScore />;
    case "/live/operations":
      return <Operations />;
    case "/live/ticker":
      return <Ticker />;
    default:
      return <Contents />;
  }
}

function Contents(): ReactNode {
  return (
    <>
      <h1>Live feeds</h1>
      <p className="live-lead">
        Pages on which the server talks more than you. Each reads plain streams over the one connection that
        this browser holds: open one in two windows, and they agree.
      </p>
      <ul className="live-contents">
        {PLACES.map(({ path, name, line }) => (
          <li key={path}>
            <a href={addressOf(path)} onClick={onLiveLink}>
              <strong>{name}</strong>
              <span>{line}</span>
            </a>
          </li>
        ))}
      </ul>
    </>
  );
}
