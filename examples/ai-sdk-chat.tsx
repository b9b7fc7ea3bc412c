import { useChat } from "@ai-sdk/react";
import type { UIMessage } from "ai";
import { useState } from "react";
import { createRoot } from "react-dom/client";

/** A chat with the AI SDK's own hook and transport: `/api/chat` is Millrace. */
function Chat({ id, messages: initial }: { id: string; messages: UIMessage[] }) {
  const {
    messages,
    status,
    error,
    sendMessage,
    regenerate,
    stop: leave,
  } = useChat({
    id,
    messages: initial,
    resume: true,
  });
  const [text, setText] = useState("");
  return (
    <main data-status={status}>
      {messages.map(({ id: key, role, parts }) => (
        <p key={key} className={role}>
          {parts.map((part) => (part.type === "text" ? part.text : ""))}
        </p>
      ))}
      {error && <p role="alert">{error.message}</p>}
      <form onSubmit={(event) => (event.preventDefault(), void sendMessage({ text }), setText(""))}>
        <input aria-label="Message" value={text} onChange={(event) => setText(event.target.value)} />
        <button>Send</button>
        <button type="button" onClick={() => void stop(id)}>
          Stop
        </button>
        <button type="button" onClick={() => void leave()}>
          Leave
        </button>
        <button type="button" onClick={() => void regenerate()}>
          Again
        </button>
      </form>
    </main>
  );
}

/** The hook's own `stop` only leaves the answer. This ends it, for everybody. */
async function stop(id: string): Promise<void> {
  const headers = { "content-type": "application/json" };
  await fetch(`/api/chat/${encodeURIComponent(id)}/stop`, { method: "POST", headers, body: "{}" });
}

/** Shows a chat, with what it held before: nothing where it is new, which is 404. */
export async function showChat(element: Element, id: string): Promise<void> {
  const response = await fetch(`/api/chat/${encodeURIComponent(id)}`);
  const { messages } = response.ok
    ? ((await response.json()) as { messages: UIMessage[] })
    : { messages: [] };
  createRoot(element).render(<Chat id={id} messages={messages} />);
}
