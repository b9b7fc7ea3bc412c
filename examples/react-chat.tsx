import { useState } from "react";
import type { FormEvent } from "react";
import { useChat, useChats, useConnection } from "millrace/react";

export function App() {
  const { chats, create } = useChats();
  const { status } = useConnection();
  const [open, setOpen] = useState<string>();
  return (
    <>
      <p>{status}</p>
      <button onClick={() => void create().then(setOpen)}>New chat</button>
      {chats.map(({ id, title = "New chat" }) => (
        <button key={id} onClick={() => setOpen(id)}>
          {title}
        </button>
      ))}
      {open && <Chat key={open} id={open} />}
    </>
  );
}

function Chat({ id }: { id: string }) {
  const { path, isAnswering, error, send, stop, regenerate, resend } = useChat(id);
  const [text, setText] = useState("");
  function submit(event: FormEvent) {
    event.preventDefault();
    setText("");
    void send(text);
  }
  return (
    <section>
      {path.map(({ message, sending }) => (
        <p key={message.id}>
          {message.role}: {message.text}
          {sending?.status === "failed" && (
            <button onClick={() => void resend(message.id)}>Send again</button>
          )}
        </p>
      ))}
      {error && <p role="alert">{error.message}</p>}
      {isAnswering && <button onClick={() => void stop()}>Stop</button>}
      {!isAnswering && path.length > 1 && <button onClick={() => void regenerate()}>Answer again</button>}
      <form onSubmit={submit}>
        <input value={text} onChange={(event) => setText(event.target.value)} required />
      </form>
    </section>
  );
}
