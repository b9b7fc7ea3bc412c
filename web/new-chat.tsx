import { useEffect, useState } from "react";
import type { ReactNode } from "react";
import { useClient, useConnection, useModels } from "millrace/react";
import { Composer } from "./composer.tsx";
import { useCut, useListError } from "./cut.ts";
import { Told } from "./instructions.tsx";
import { useModelChoice } from "./model.tsx";
import { chatPath, navigate, readRoute } from "./route.ts";
import { StatusLine } from "./status-line.tsx";
import { statusOf } from "./words.ts";
import type { Status } from "./words.ts";

const EXAMPLES = [
  "What is SSE?",
  "Why not WebSockets?",
  "How do I resume after a cut?",
  "What time is it in Tokyo?",
];

export interface NewChatProps {
  /** What an address proposes to ask. */
  prompt?: string | undefined;
  /** What the model is told before everything else; empty: nothing. */
  system: string;
  onInstructions: () => void;
  /** The chat was made: what it began with belongs to it. */
  onMade: () => void;
}

/** The beginning of a chat: what may be asked, and the box. The chat is made with its first message. */
export function NewChat({ prompt, system, onInstructions, onMade }: NewChatProps): ReactNode {
  const client = useClient();
  const connection = useConnection();
  const { isCut } = useCut(connection);
  const listError = useListError();
  const { models } = useModels();
  const [choice] = useModelChoice();
  const [isMaking, setMaking] = useState(false);
  const [failure, setFailure] = useState<Status>();

  useEffect(() => {
    document.title = "Millrace";
  }, []);

  async function begin(text: string): Promise<boolean> {
    setMaking(true);
    setFailure(undefined);
    try {
      const chat = await client.chats.create(system === "" ? {} : { system });
      onMade();
      void client.chat(chat).send(text, { model: choice });
      // Whoever has gone elsewhere meanwhile finds it in the list.
      if (readRoute(location.href).chat === undefined) navigate(chatPath(chat));
      return true;
    } catch (error) {
      setFailure({
        text: error instanceof Error ? error.message : "The chat could not be made.",
        tone: "bad",
      });
      return false;
    } finally {
      setMaking(false);
    }
  }

  return (
    <>
      <main className="column">
        <Told system={system} onInstructions={onInstructions} />
        <section className="empty">
          <h1>Ask, and watch the answer arrive.</h1>
          <p className="lead">
            It streams in here over plain HTTP. Reload, lose the network, open a second tab: nothing is lost,
            nothing is asked twice.
          </p>
          <ul className="examples" aria-label="Questions to begin with">
            {EXAMPLES.map((example) => (
              <li key={example}>
                <button
                  type="button"
                  className="example"
                  disabled={isMaking}
                  onClick={() => void begin(example)}
                >
                  {example}
                </button>
              </li>
            ))}
          </ul>
          <p className="model-note">{models.find(({ id }) => id === choice)?.description}</p>
        </section>
      </main>
      <footer className="dock">
        <StatusLine status={failure ?? statusOf({ isMaking, connection, isCut, listError })} />
        <Composer key="new" chat="new" first={prompt} isBusy={isMaking} onSend={begin} />
      </footer>
    </>
  );
}
