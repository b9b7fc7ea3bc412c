// Asks in a chat of its own and prints the answer as it comes. Node runs this file from 22.18 on.
import { createClient, createFetchTransport, createSource } from "millrace/client";

/** For a proxy in front that wants to know who asks. It is called before each request. */
const headers = () => ({ authorization: `Bearer ${process.env["TOKEN"] ?? "none"}` });

export async function ask(url: string, text: string, print: (piece: string) => void): Promise<string> {
  const source = createSource({ url, headers, transport: createFetchTransport({ headers }) });
  const client = createClient({ url, headers, source });
  try {
    const chat = client.chat(await client.chats.create());
    let printed = 0;
    const ended = new Promise<string>((resolve) => {
      chat.subscribe(() => {
        const answer = chat.getSnapshot().path.at(-1)?.message;
        if (answer?.role !== "assistant") return;
        print(answer.text.slice(printed));
        printed = answer.text.length;
        if (answer.end !== undefined) resolve(answer.end.reason);
      });
    });
    const isTaken = await chat.send(text);
    if (!isTaken) throw chat.getSnapshot().error ?? new Error("The message was not taken.");
    return await ended;
  } finally {
    client.close();
  }
}

if (process.argv[1]?.endsWith("node-client.ts")) {
  const reason = await ask("http://127.0.0.1:4000", process.argv[2] ?? "What is SSE?", (piece) => {
    process.stdout.write(piece);
  });
  console.log(`\n[${reason}]`);
}
