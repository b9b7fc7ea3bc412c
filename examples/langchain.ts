// LangChain with Millrace as its model's server: each answer is a run, which can be read on elsewhere.
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { ChatOpenAI } from "@langchain/openai";

export interface Asked {
  /** Where the server is, such as `http://127.0.0.1:4000`. */
  url: string;
  model: string;
  signal?: AbortSignal;
}

/** A chain that answers one question. Without a key of your own, any will do. */
export function createChain({ url, model }: Asked) {
  const prompt = ChatPromptTemplate.fromMessages([
    ["system", "Answer in one sentence."],
    ["human", "{question}"],
  ]);
  // What is tried again would be another run: an Idempotency-Key makes it the same one.
  return prompt.pipe(
    new ChatOpenAI({ model, apiKey: "any", maxRetries: 0, configuration: { baseURL: `${url}/v1` } }),
  );
}

/** The words of an answer as they come. When `signal` aborts, its run ends as `cancelled`. */
export async function* ask(question: string, asked: Asked) {
  const { signal } = asked;
  const words = await createChain(asked).stream({ question }, signal && { signal });
  for await (const { text } of words) if (text !== "") yield text;
}
