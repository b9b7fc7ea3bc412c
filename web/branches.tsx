import type { ReactNode } from "react";
import type { ChatStore, ShownStep } from "millrace/client";
import { Icon } from "./icons.tsx";

/** "2 / 3", with the way to the others. */
export function Branches({ step, store }: { step: ShownStep; store: ChatStore }): ReactNode {
  const { message, siblings } = step;
  if (siblings.length < 2) return undefined;
  const index = siblings.indexOf(message.id);
  return (
    <div className="branches" role="group" aria-label="Versions">
      <Arrow name="left" label="The version before" sibling={siblings[index - 1]} onChoose={store.choose} />
      <span>
        {index + 1} / {siblings.length}
      </span>
      <Arrow name="right" label="The next version" sibling={siblings[index + 1]} onChoose={store.choose} />
    </div>
  );
}

interface ArrowProps {
  name: "left" | "right";
  label: string;
  sibling: string | undefined;
  onChoose: (message: string) => void;
}

function Arrow({ name, label, sibling, onChoose }: ArrowProps): ReactNode {
  return (
    <button
      type="button"
      className="button is-icon"
      aria-label={label}
      // Not `disabled`: at the last version the button would lose the focus.
      aria-disabled={sibling === undefined}
      onClick={() => sibling !== undefined && onChoose(sibling)}
    >
      <Icon name={name} />
    </button>
  );
}
