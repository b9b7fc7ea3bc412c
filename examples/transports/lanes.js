// What each transport asks of a page that wants every word once. `onWord` gets {n, word, at}; `onState` "live" or "cut".

/** The browser reconnects, says where it was, and the server knows what it missed. */
export function overSse(port, { onWord, onState, onRequest }) {
  const source = new EventSource(`http://127.0.0.1:${port}/v1/streams/feed?after=now`);
  onRequest();
  source.addEventListener("message", ({ data }) => onWord(JSON.parse(data)));
  source.addEventListener("open", () => onState("live"));
  source.addEventListener("error", () => {
    onState("cut");
    onRequest(); // its own, which it makes by itself
  });
}

/** Reconnecting is ours to write. What was sent meanwhile is gone, unless we also write ids, a history and replay. */
export function overWebSocket(port, { onWord, onState, onRequest }) {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/`);
  onRequest();
  socket.addEventListener("message", ({ data }) => onWord(JSON.parse(data)));
  socket.addEventListener("open", () => onState("live"));
  socket.addEventListener("close", () => {
    onState("cut");
    setTimeout(() => overWebSocket(port, { onWord, onState, onRequest }), 1_000);
  });
}

/** Nothing is held, so nothing breaks: the next question brings what was missed, a second later than it could have. */
export async function overPolling(port, { onWord, onState, onRequest }) {
  for (let after; ; await new Promise((resolve) => setTimeout(resolve, 1_000))) {
    try {
      onRequest();
      const query = after === undefined ? "" : `?after=${after}`;
      const { words, next } = await (await fetch(`http://127.0.0.1:${port}/${query}`)).json();
      words.forEach(onWord);
      after = next;
      onState("live");
    } catch {
      onState("cut");
    }
  }
}
