import type { ReactNode } from "react";
import { Dialog } from "./dialog.tsx";
import { keptKeys, useHasKeys } from "./keys.ts";

const KEYS: [keys: string[], what: string][] = [
  [["Enter"], "send"],
  [["Shift", "Enter"], "break the line"],
  [["Esc"], "stop the answer; close what lies over the page"],
];

const SINGLE: [keys: string[], what: string][] = [
  [["j"], "the next message"],
  [["k"], "the message before"],
  [["m"], "write a message"],
  [["n"], "a new chat"],
  [["/"], "search the chats"],
  [["w"], "show or fold the wire"],
  [["?"], "this help"],
];

/** What the keys do, and what the marks mean. */
export function Help({ onClose }: { onClose: () => void }): ReactNode {
  const hasKeys = useHasKeys();
  return (
    <Dialog title="Keys and marks" onClose={onClose}>
      <Keys keys={KEYS} />
      <label className="switch">
        <input
          type="checkbox"
          checked={hasKeys}
          onChange={({ target }) => keptKeys.set(target.checked ? undefined : "off")}
        />
        Single keys, outside of text
      </label>
      <Keys keys={SINGLE} isOff={!hasKeys} />
      <h3>Marks</h3>
      <ul className="marks">
        <li>
          <span className="live" /> in the list: an answer is being written there
        </li>
        <li>
          <span className="unread" /> in the list: it ended, and you have not seen it
        </li>
        <li>
          <span className="mark-line" data-state="writing" /> along an answer: it is being written
        </li>
        <li>
          <span className="mark-line" data-state="cut" /> the connection is away; the answer keeps being
          written
        </li>
      </ul>
    </Dialog>
  );
}

function Keys({ keys, isOff = false }: { keys: [string[], string][]; isOff?: boolean }): ReactNode {
  return (
    <dl className="key-list" data-off={isOff}>
      {keys.map(([names, what]) => (
        <div key={what}>
          <dt>
            {names.map((name) => (
              <kbd key={name}>{name}</kbd>
            ))}
          </dt>
          <dd>{what}</dd>
        </div>
      ))}
    </dl>
  );
}
