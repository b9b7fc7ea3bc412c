import { useRef, useState } from "react";
import type { FormEvent, ReactNode } from "react";
import { ask } from "./looks.ts";
import { replay } from "./replay.ts";

/** What may be done to a stream: publish, close, and play it again into another. `given`: the one that is looked at. */
export function Act({ given }: { given: string }): ReactNode {
  const [stream, setStream] = useState(given);
  const [event, setEvent] = useState('{"type":"note"}');
  const [to, setTo] = useState("");
  const [speed, setSpeed] = useState("1");
  const [said, setSaid] = useState("");
  const playing = useRef<AbortController>(undefined);

  const tell = (work: () => Promise<string>) => {
    setSaid("…");
    work().then(setSaid, (error: unknown) => setSaid(error instanceof Error ? error.message : String(error)));
  };
  const publish = (submit: FormEvent) => {
    submit.preventDefault();
    tell(async () => {
      await ask(`/v1/streams/${stream}`, "POST", JSON.parse(event));
      return `Published to ${stream}.`;
    });
  };
  const close = () =>
    tell(async () => {
      await ask(`/v1/streams/${stream}?close=true`, "POST", []);
      return `${stream} is closed.`;
    });
  const play = () =>
    tell(async () => {
      playing.current?.abort();
      const { signal } = (playing.current = new AbortController());
      return `Played ${await replay(stream, to, Number(speed), signal)} events of ${stream} into ${to}.`;
    });

  return (
    <form className="inspect-act" onSubmit={publish}>
      <label>
        Stream{" "}
        <input
          value={stream}
          onChange={({ target }) => setStream(target.value)}
          placeholder="scores"
          required
        />
      </label>
      <label>
        Event <input value={event} onChange={({ target }) => setEvent(target.value)} spellCheck={false} />
      </label>
      <button type="submit">Publish</button>
      <button type="button" onClick={close} disabled={stream === ""}>
        Close the stream
      </button>
      <div>
        <label>
          Play into{" "}
          <input value={to} onChange={({ target }) => setTo(target.value)} placeholder="scores-again" />
        </label>
        <label>
          Speed{" "}
          <select value={speed} onChange={({ target }) => setSpeed(target.value)}>
            <option value="1">as recorded</option>
            <option value="10">10 times</option>
            <option value="1000">at once</option>
          </select>
        </label>
        <button type="button" onClick={play} disabled={stream === "" || to === ""}>
          Play again
        </button>
      </div>
      <output>{said}</output>
    </form>
  );
}
