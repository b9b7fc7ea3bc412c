/** How the same stream is read without this page. */
export interface WireCode {
  name: string;
  text: string;
}

/** What reads a chat's stream elsewhere: in a terminal, in any page, with the library. */
export function wireCode(origin: string, chat: string, cursor: string | undefined): WireCode[] {
  const url = `${origin}/v1/streams/chats/${chat}`;
  const after = cursor === undefined || cursor === "" ? "" : ` \\\n  -H 'Last-Event-ID: ${cursor}'`;
  return [
    { name: "curl", text: `curl -N '${url}' \\\n  -H 'Accept: text/event-stream'${after}` },
    {
      name: "EventSource",
      text: `const source = new EventSource("${url}");
source.onmessage = ({ lastEventId, data }) =>
  console.log(lastEventId, JSON.parse(data));
source.addEventListener("stream-end", () => source.close());`,
    },
    {
      name: "client",
      text: `import { createClient } from "millrace/client";

const client = createClient({ url: "${origin}" });
const chat = client.chat("${chat}");
chat.subscribe(() => {
  const { path } = chat.getSnapshot();
  console.log(path.at(-1)?.message.text);
});`,
    },
  ];
}
