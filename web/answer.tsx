import { useDeferredValue, useRef } from "react";
import type { ReactNode } from "react";
import type { AssistantChatMessage } from "millrace/protocol";
import { AnswerParts } from "./answer-parts.tsx";
import { Branches } from "./branches.tsx";
import { copyText } from "./copy.ts";
import { Figures } from "./figures.tsx";
import { useKeptFocus } from "./focus.ts";
import { Icon } from "./icons.tsx";
import type { MessageProps } from "./message.tsx";
import { showWire } from "./shown-wire.ts";
import { describeEnd } from "./words.ts";

/** An answer with its line, how it ended, what was measured of it, and what can be done with it. */
export function Answer(props: MessageProps & { message: AssistantChatMessage }): ReactNode {
  const { message, isCut } = props;
  const focus = useKeptFocus();
  // The last words are drawn first; what stands below an answer comes in a task of its own, not in one long one with them.
  const hasEnded = message.end !== undefined;
  const isOver = useDeferredValue(hasEnded) && hasEnded;
  const ending = isOver ? describeEnd(message) : undefined;
  return (
    <article
      className="answer"
      aria-label={`Answer of ${message.model}`}
      data-role="assistant"
      data-message={message.id}
      data-state={isOver ? "ended" : openState(message, isCut)}
      {...focus}
    >
      {/* The line itself, for a pointer: the bar has a button for everybody. */}
      <button
        type="button"
        className="answer-wire"
        title="Show the wire"
        aria-hidden="true"
        tabIndex={-1}
        onClick={() => showWire(true)}
      />
      <AnswerParts message={message} />
      {ending !== undefined && (
        <p className="ending" data-tone={ending.tone}>
          {ending.text}
        </p>
      )}
      {isOver && <Foot {...props} />}
    </article>
  );
}

function openState({ text }: AssistantChatMessage, isCut: boolean): string {
  if (isCut) return "cut";
  return text === "" ? "waiting" : "writing";
}

function Foot({
  step,
  store,
  model,
  message,
  isLast,
  isBusy,
}: MessageProps & { message: AssistantChatMessage }): ReactNode {
  const copyLabel = useRef<HTMLSpanElement>(null);
  return (
    <footer className="foot">
      <Figures message={message} />
      <div className="tools">
        <Branches step={step} store={store} />
        {message.end?.reason !== "stop" && isLast && (
          <button
            type="button"
            className="button is-line"
            aria-disabled={isBusy}
            onClick={() => !isBusy && void store.continue(message.id)}
          >
            <Icon name="continue" />
            Continue
          </button>
        )}
        {message.text !== "" && (
          <button
            type="button"
            className="button is-plain"
            onClick={() => copyLabel.current && void copyText(message.text, copyLabel.current)}
          >
            <Icon name="copy" />
            <span ref={copyLabel}>Copy</span>
          </button>
        )}
        <button
          type="button"
          className="button is-plain"
          onClick={() => void store.regenerate(message.id, { model })}
        >
          <Icon name="again" />
          Answer again
        </button>
      </div>
    </footer>
  );
}
