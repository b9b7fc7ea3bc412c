import type { ReactNode } from "react";
import type { AssistantChatMessage, MessagePart } from "millrace/protocol";
import { Prose } from "./prose.tsx";
import { ToolCall } from "./tool-call.tsx";

/** What an answer says, part by part in its order: reasoning, words, calls of tools, sources. Its name is its place, which never changes. */
export function AnswerParts({ message }: { message: AssistantChatMessage }): ReactNode {
  const isOpen = message.end === undefined;
  if (message.parts === undefined) {
    return (
      <>
        {message.reasoning !== undefined && (
          <Reasoning text={message.reasoning} isLive={isOpen && message.text === ""} />
        )}
        <Prose text={message.text} isOpen={isOpen} />
      </>
    );
  }
  const { parts } = message;
  return parts.map((part, index) => (
    // oxlint-disable-next-line react/no-array-index-key -- parts are added at the end, and stay where they are.
    <Part key={index} part={part} isOpen={isOpen} isLast={index === parts.length - 1} />
  ));
}

function Part({ part, isOpen, isLast }: { part: MessagePart; isOpen: boolean; isLast: boolean }): ReactNode {
  switch (part.type) {
    case "text":
      return <Prose text={part.text} isOpen={isOpen && isLast} />;
    case "reasoning":
      return <Reasoning text={part.text} isLive={isOpen && isLast} />;
    case "tool":
      return <ToolCall part={part} isOpen={isOpen} />;
    case "source-url":
      return <Source url={part.url} title={part.title} />;
    default:
      // A step begins, or it is the application's own: its page shows it.
      return null;
  }
}

function Reasoning({ text, isLive }: { text: string; isLive: boolean }): ReactNode {
  return (
    <details className="reasoning" data-live={isLive}>
      <summary>Reasoning</summary>
      <p dir="auto">{text}</p>
    </details>
  );
}

/** Only what a browser may go to: a model says what it likes. */
function Source({ url, title }: { url: string; title: string | undefined }): ReactNode {
  const isWeb = /^https?:\/\//i.test(url);
  return (
    <p className="source">
      Source:{" "}
      {isWeb ? (
        <a href={url} target="_blank" rel="noopener noreferrer">
          {title ?? url}
        </a>
      ) : (
        (title ?? url)
      )}
    </p>
  );
}
