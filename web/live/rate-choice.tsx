import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { useClient, useStreamState } from "millrace/react";

/** Where the demo feed looks how fast it shall go: a wish holds for a minute, and is renewed while its page is open. */
const STREAM = "demo/ticker-rate";
const RATES = [50, 200, 2_000];
const HOLD_MS = 60_000;
const RENEW_MS = 20_000;

/** Chooses how many updates per second the demo replays: for everybody, since it is one feed. */
export function RateChoice(): ReactNode {
  const { api } = useClient();
  const { entries } = useStreamState<{ perSecond?: unknown; until?: unknown }>(STREAM);
  const [own, setOwn] = useState<number>();
  const [, setOver] = useState<number>();
  const wish = entries.get("rate");
  const until = typeof wish?.until === "number" ? wish.until : 0;
  const said = until > Date.now() ? wish?.perSecond : undefined;
  const shown = own ?? (typeof said === "number" ? said : RATES[0]);
  useEffect(() => {
    if (own === undefined) return undefined;
    const renew = () => {
      const event = { key: "rate", perSecond: own, until: Date.now() + HOLD_MS };
      // Not taken: then nothing moves faster, which is to be seen.
      api.send("POST", `/v1/streams/${STREAM}`, event).catch(() => undefined);
    };
    renew();
    const timer = setInterval(renew, RENEW_MS);
    return () => clearInterval(timer);
  }, [api, own]);
  // Somebody else has chosen since: two pages do not pull at one feed.
  useEffect(() => setOwn((mine) => (mine === said ? mine : undefined)), [said]);
  useEffect(() => {
    const timer = setTimeout(() => setOver(until), Math.max(0, until - Date.now()) + 1);
    return () => clearTimeout(timer);
  }, [until]);
  // Where no demo plays there is nothing to choose.
  if (wish === undefined) return undefined;
  return (
    <fieldset className="rates">
      <legend className="unseen">Updates per second</legend>
      {RATES.map((rate) => (
        <label key={rate}>
          <input type="radio" name="rate" checked={rate === shown} onChange={() => setOwn(rate)} />
          <span>{rate.toLocaleString("en")}/s</span>
        </label>
      ))}
    </fieldset>
  );
}
