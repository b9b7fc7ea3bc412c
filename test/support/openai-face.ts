import OpenAI from "openai";
import type { ClientOptions } from "openai";
import type { ServerOptions } from "../../src/server.ts";
import { answerSlowly, startApp } from "./app.ts";
import type { TestServer } from "./app.ts";
import { readLines } from "./openai-lines.ts";

export const COMPLETIONS = "/v1/chat/completions";
export const messages = [{ role: "user" as const, content: "Why?" }];
export const asked = { model: "told", messages };
export const streamed = { ...asked, stream: true as const };

/** A listening server, and OpenAI's own client for it. */
export interface TestFace extends TestServer {
  url: string;
  client: OpenAI;
  /** Another client. It asks once, unless told otherwise. */
  connect(options?: ClientOptions): OpenAI;
  /** Sends a body to the completions with fetch. */
  post(body: unknown, headers?: Record<string, string>, signal?: AbortSignal): Promise<Response>;
  /** Lets the model say one word, and then wait until the test says go or the run is over. */
  answerSlowly(): { open: () => void };
  runState(run: string | null): Promise<{ status: string; reason?: string; text: string }>;
}

export interface Chunk {
  id: string;
  object: string;
  created: number;
  model: string;
  choices: { index: number; delta: Record<string, string>; finish_reason: string | null }[];
  usage?: unknown;
}

export async function startFace(options: ServerOptions = {}): Promise<TestFace> {
  const app = await startApp({ allowedOrigins: ["https://friend.example"], ...options });
  const url = await app.server.listen(0);
  const connect = (given: ClientOptions = {}) =>
    new OpenAI({ baseURL: `${url}/v1`, apiKey: "any", maxRetries: 0, ...given });
  return {
    ...app,
    url,
    client: connect(),
    connect,
    post: (body, headers = {}, signal) =>
      fetch(`${url}${COMPLETIONS}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: JSON.stringify(body),
        ...(signal && { signal }),
      }),
    answerSlowly: () => answerSlowly(app.told),
    async runState(run) {
      const response = await app.ask(`/v1/runs/${run}`);
      return (await response.json()) as { status: string; text: string };
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  };
}

export async function chunksOf(response: Response): Promise<Chunk[]> {
  return readLines(await response.text()).data as Chunk[];
}

/** The text of an answer's chunks. */
export function textOf(chunks: Chunk[]): string {
  return chunks.map(({ choices }) => choices[0]?.delta["content"] ?? "").join("");
}
