// A scoreboard that everybody sees and anybody keeps: open it in two windows.
import { useState } from "react";
import type { FormEvent } from "react";
import { useClient, useStreamState } from "millrace/react";

interface Score {
  /** What the event replaces: the last score of this match. */
  key: string;
  home: number;
  away: number;
}

const PATH = "/v1/streams/board";

export function Scoreboard() {
  const { api } = useClient();
  const { entries, status, caughtUp } = useStreamState<Score>("board");
  const [match, setMatch] = useState("");
  const [error, setError] = useState("");

  const send = (method: string, body: object) =>
    api.send(method, PATH, body).catch((reason: unknown) => setError(String(reason)));
  const publish = (event: object) => void send("POST", event);

  async function begin(event: FormEvent) {
    event.preventDefault();
    setMatch("");
    // A table, whose rows are replaced by key. Where it is there already, this changes nothing.
    await send("PUT", { kind: "state" });
    publish({ key: match, home: 0, away: 0 });
  }

  if (status === "loading") return <p>Loading</p>;
  return (
    <>
      {[...entries.values()].map((score) => (
        <p key={score.key}>
          <b>{`${score.key} ${score.home}:${score.away}`}</b>
          <button onClick={() => publish({ ...score, home: score.home + 1 })}>home scores</button>
          <button onClick={() => publish({ ...score, away: score.away + 1 })}>away scores</button>
          <button onClick={() => publish({ key: score.key, deleted: true })}>remove</button>
        </p>
      ))}
      {caughtUp && <p>{caughtUp.events} changes came while the connection was away.</p>}
      {error && <p role="alert">{error}</p>}
      <form onSubmit={(event) => void begin(event)}>
        <input value={match} onChange={(event) => setMatch(event.target.value)} required />
        <button>Begin a match</button>
      </form>
    </>
  );
}
