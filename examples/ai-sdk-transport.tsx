import { useChat } from "@ai-sdk/react";
import { createChatTransport } from "millrace/ai-sdk";
import { useEffect, useState } from "react";
import { createRoot } from "react-dom/client";

const transport = createChatTransport();

/** A chat that is whole over a network that breaks, and live in each tab and on each device. */
function Chat({ id }: { id: string }) {
  const { messages, setMessages, resumeStream, status, error, sendMessage, regenerate, stop } = useChat({
    id,
    transport,
  });
  // What the chat holds, what is being written, and what is sent elsewhere.
  useEffect(() => transport.follow(id, { setMessages, resumeStream }), [id, setMessages, resumeStream]);
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
        <button type="button" onClick={() => void stop()}>
          Stop
        </button>
        <button type="button" onClick={() => void regenerate()}>
          Again
        </button>
      </form>
    </main>
  );
}

/** Shows a chat. Returns how to take it away, which ends no answer. */
export function showChat(element: Element, id: string): () => void {
  const root = createRoot(element);
  root.render(<Chat id={id} />);
  return () => root.unmount();
}
